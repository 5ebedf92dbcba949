"""How soon a change of the arms reaches a worker in the middle of its work, and whether a chat is lost by it.

    python -m bench.split                       # the embedded model, and a second one of it
    python -m bench.split --engine scripted:delay_ms=20 --arm scripted:delay_ms=30 --per-s 100

`attune run --follow` works through a queue that is filled all the time, and the commands are a person's. The
times are the store's, from the row of a change to rows of chats. Prints a JSON object.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from attune.feed import identify
from attune.models import POCKET
from attune.store import Store

_ATTUNE = [sys.executable, "-m", "attune"]
_SETTLE_S = 3.0
"""By then the last chat of an arm that serves no more has ended."""


def measure(store: str, engine: str, arm: str, rounds: int, per_s: float) -> dict[str, Any]:
    """The seconds of each round; how many chats there were and what the worker says became of them."""
    times: dict[str, list[float]] = {}

    def note(name: str, at: float, change: float) -> None:
        times.setdefault(name, []).append(round(at - change, 2))

    with Store.open(store) as opened, _working(store, engine) as worker, _filling(opened, per_s) as given:
        _until(lambda: sum(opened.counts().values()) > 0)
        for number in range(rounds):
            name = f"arm-{number}"
            new = ["--engine", arm, "--weight", "0.5", "--force", "--reason", "bench"]
            added = _change(opened, "add", name, *new)
            _until(partial(_has_ended, opened, name, 0.0))
            note("add_to_first_s", _ends(opened, name)[0], added)
            promoted = _change(opened, "promote", name)
            time.sleep(_SETTLE_S)
            note("promote_to_last_of_base_s", _ends(opened, "base")[-1], promoted)
            back = _change(opened, "rollback")
            _until(partial(_has_ended, opened, "base", back))
            note("rollback_to_first_of_base_s", next(at for at in _ends(opened, "base") if at > back), back)
            gone = _change(opened, "rollback")
            time.sleep(_SETTLE_S)
            note("rollback_to_last_of_arm_s", _ends(opened, name)[-1], gone)
        given.stop()
        _until(lambda: opened.waiting() == 0)
        worker.send_signal(signal.SIGINT)
        counts = json.loads(worker.communicate(timeout=60)[0])
        rows = {place.value: number for place, number in opened.counts().items()}
    return times | {"given": given.count, "rows": rows, "reconciled": counts["reconciled"]}


class _Given:
    """Puts chats into the queue, so many a second."""

    def __init__(self, store: Store, per_s: float) -> None:
        self.count = 0
        self._store, self._per_s = store, per_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopped.wait(1 / self._per_s):
            said = f"My order {self.count} came late, and nobody answers."
            chat = {"id": self.count, "user_id": 7, "text": said}
            self._store.enqueue([identify(json.dumps(chat).encode(), "bench", 10_000)])
            self.count += 1


@contextmanager
def _filling(store: Store, per_s: float) -> Iterator[_Given]:
    given = _Given(store, per_s)
    try:
        yield given
    finally:
        given.stop()


@contextmanager
def _working(store: str, engine: str) -> Iterator[subprocess.Popen[str]]:
    command = [*_ATTUNE, "run", "--follow", "--quiet", "--json", "--store", store, "--engine", engine]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def _change(store: Store, *words: str) -> float:
    """Changes the arms by the command, and gives the time of the change."""
    command = [*_ATTUNE, "arms", *words, "--store", store.address]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return store.arms.history(1)[0].at


def _ends(store: Store, arm: str) -> list[float]:
    """When the chats of an arm ended."""
    return [row.created_at for row in store.outcomes() if row.arm == arm]


def _has_ended(store: Store, arm: str, after: float) -> bool:
    return any(at > after for at in _ends(store, arm))


def _until(come: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not come():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", default="pocket")
    parser.add_argument("--arm", help="The engine that is added; a copy of the embedded model without it.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--per-s", type=float, default=10.0)
    parser.add_argument("--store", help="An empty database; a file without it.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # A copy, since the same address would be the same engine.
        copy = shutil.copytree(POCKET, Path(folder) / "model") if given.arm is None else None
        arm = given.arm or f"openvino:{copy}"
        store = given.store or str(Path(folder) / "attune.db")
        print(json.dumps(measure(store, given.engine, arm, given.rounds, given.per_s)))


if __name__ == "__main__":
    main()
