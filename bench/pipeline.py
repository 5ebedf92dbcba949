"""What the pipeline costs: a whole run beside a bare loop over the same engine with the same requests.

python -m bench.pipeline            # prints the table and writes it into docs/benchmarks.md
python -m bench.pipeline --json
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path

from attune import connect
from attune.chat import Chat, parse_chat
from attune.engines import Engine
from attune.errors import BadChat
from attune.handle import Act
from attune.limits import Limits
from attune.request import Completion, Request
from attune.settling import Counts
from attune.store import Store
from attune.stream import run
from attune.task import Task
from bench import report

IN_FLIGHT = 32


@dataclass(frozen=True)
class Round:
    """One bare loop and one run after the other."""

    bare_per_s: float
    run_per_s: float
    sentiment_ms: tuple[float, float]
    verdict_ms: tuple[float, float]

    @property
    def cost(self) -> float:
        """How much longer the run took than the bare loop: 0.03 is 3 %."""
        return self.bare_per_s / self.run_per_s - 1


def sample(most: int) -> list[Chat]:
    """The sample chats that can be read, again and again under new ids, until there are `most`."""
    chats = []
    for line in (files("attune") / "samples" / "chats.jsonl").read_bytes().splitlines():
        try:
            chats.append(parse_chat(line))
        except BadChat:
            continue
    return [replace(chats[number % len(chats)], id=str(number)) for number in range(most)]


class Bare:
    """The least that keeps an engine busy: submit, and on each answer submit the next."""

    def __init__(self, engine: Engine, task: Task, chats: list[Chat]) -> None:
        self._engine = engine
        draft = task.escalation.draft if task.escalation else None
        self._requests = [
            (task.request(chat), draft.request(chat) if draft else None) for chat in reversed(chats)
        ]
        self._room = threading.Semaphore(IN_FLIGHT)

    def run(self) -> None:
        while self._requests:
            self._room.acquire()
            triage, reply = self._requests.pop()
            self._engine.submit(triage).add_done_callback(partial(self._follow, reply))
        for _ in range(IN_FLIGHT):
            self._room.acquire()

    def _follow(self, reply: Request | None, done: Future[Completion]) -> None:
        if reply is not None and '"sentiment": -1' in done.result().text:
            self._engine.submit(reply).add_done_callback(lambda _: self._room.release())
        else:
            self._room.release()


def whole_run(engine: Engine, task: Task, path: Path) -> tuple[Counts, Store]:
    store = Store.open(path.with_suffix(".db"))
    source = connect.source([str(path)], 8_000_000)
    assert source is not None
    counts = run(source, store, Act(task, engine), Limits(in_flight=IN_FLIGHT))
    source.close()
    return counts, store


def unread(chats: list[Chat], mark: str) -> list[Chat]:
    """The same chats, each begun with a number of its own, so that no cache has their prefix already."""
    return [
        replace(
            chat,
            turns=(replace(chat.turns[0], text=f"{mark}{chat.id} {chat.turns[0].text}"), *chat.turns[1:]),
        )
        for chat in chats
    ]


def percentiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


def one_round(engine: Engine, task: Task, chats: list[Chat], bare_first: bool) -> Round:
    mark = f"{time.monotonic_ns() % 10**9}-"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chats.jsonl"
        path.write_text(
            "".join(json.dumps(chat.to_json()) + "\n" for chat in unread(chats, mark + "2-")),
            encoding="utf-8",
        )
        bare = Bare(engine, task, unread(chats, mark + "1-"))
        bare_s = timed(bare.run) if bare_first else 0.0
        counts, store = whole_run(engine, task, path)
        bare_s = bare_s or timed(bare.run)
        rows = list(store.outcomes())
        store.close()
    assert counts.settled == len(chats)
    return Round(
        bare_per_s=len(chats) / bare_s,
        run_per_s=len(chats) / counts.seconds,
        sentiment_ms=percentiles([row.first_slot_s for row in rows]),
        verdict_ms=percentiles([row.total_s for row in rows]),
    )


def timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chats", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine = connect.engine("pocket")
    task = connect.task("triage", "pocket")
    chats = sample(options.chats)
    one_round(engine, task, chats[:64], bare_first=True)
    rounds = [one_round(engine, task, chats, bare_first=n % 2 == 0) for n in range(options.rounds)]
    engine.close()
    if options.json:
        print(json.dumps([asdict(each) for each in rounds]))
        return
    body = tables(rounds, options.chats)
    print(body)
    report.write("The pipeline beside a bare loop", "make bench", body)


def tables(rounds: list[Round], chats: int) -> str:
    costs = sorted(each.cost for each in rounds)
    median = statistics.median
    speed = report.table(
        ("chats/s", "median", "least", "most"),
        [
            ("bare loop over the engine", *spread([each.bare_per_s for each in rounds])),
            ("attune's run, store and all", *spread([each.run_per_s for each in rounds])),
        ],
    )
    latency = report.table(
        ("ms after the question", "p50", "p99"),
        [
            ("first sentiment", *(f"{median(r.sentiment_ms[i] for r in rounds):.0f}" for i in (0, 1))),
            (
                "complete verdict, draft included",
                *(f"{median(r.verdict_ms[i] for r in rounds):.0f}" for i in (0, 1)),
            ),
        ],
    )
    cost = f"The run took {median(costs):+.1%} longer than the bare loop in the median of {len(rounds)} pairs"
    return (
        f"The embedded model, {chats} chats, {IN_FLIGHT} in flight.\n\n{speed}\n\n"
        f"{cost} ({costs[0]:+.1%} to {costs[-1]:+.1%}).\n\n{latency}"
    )


def spread(values: list[float]) -> tuple[str, str, str]:
    return f"{statistics.median(values):.1f}", f"{min(values):.1f}", f"{max(values):.1f}"


if __name__ == "__main__":
    main()
