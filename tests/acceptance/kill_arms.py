"""Kills `attune arms add`, `promote` and `rollback` at random moments, and looks at what is left.

    python -m tests.acceptance.kill_arms                # 200 kills on SQLite, 200 on PostgreSQL
    python -m tests.acceptance.kill_arms --kills 20 --database sqlite

Exit code 0: after every kill the arms were those before the command or those after it, with their history.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

from services.postgres import binaries, server
from tests.postgres import new_database

from attune.cli import attune
from attune.store import Store

FORK = multiprocessing.get_context("fork")
COMMANDS = (
    ("add", "b", "--engine", "scripted:", "--force", "--reason", "a try"),
    ("promote", "b"),
    ("rollback",),
    ("rollback",),
)
"""Again and again: the last leads back to the beginning."""
STATES = ({"base": 1.0}, {"base": 0.9, "b": 0.1}, {"base": 0.0, "b": 1.0}, {"base": 0.9, "b": 0.1})
"""The weights before each of them."""


def kill(address: str, kills: int, draw: random.Random) -> int:
    """Kills `kills` times, and gives how many commands had come to an end in all. Raises AssertionError."""
    done = _check(address)
    for _ in range(kills):
        ours, theirs = FORK.Pipe(duplex=False)
        worker = FORK.Process(target=_work, args=(address, done, theirs))
        worker.start()
        theirs.close()
        some = draw.randrange(4)
        for _ in range(some):
            ours.recv()
        worker.join(draw.uniform(0, 0.08))
        worker.kill()
        worker.join()
        acknowledged = done + some + _count(ours)
        done = _check(address)
        assert acknowledged <= done <= acknowledged + 1, (acknowledged, done)
    return done


def _work(address: str, done: int, told: Connection) -> None:
    sys.stdout = sys.stderr = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115 - to its end
    while True:
        command = COMMANDS[done % len(COMMANDS)]
        attune.main(["arms", *command, "--store", address], "attune", standalone_mode=False)
        done += 1
        told.send(done)


def _count(told: Connection) -> int:
    """How many commands the worker said it had done."""
    count = 0
    try:
        while told.poll():
            told.recv()
            count += 1
    except EOFError:
        pass
    return count


def _check(address: str) -> int:
    """How many changes there are; raises AssertionError where the arms are not those after so many."""
    with Store.open(address) as store:
        history = store.arms.history()
        live = store.arms.live()
    assert [each.split.version for each in history] == list(range(len(history), 0, -1)), "none is missing"
    if live is None:
        assert not history
        return 0
    done = len(history) - 1  # the first says what there was before
    assert done > 0, "what there was before is written with the first change"
    assert {arm.name: arm.weight for arm in live.arms} == STATES[done % len(STATES)], live
    return done


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", default="all", help="all, sqlite, or the address of a server.")
    given = parser.parse_args()
    draw = random.Random(8)
    with ExitStack() as stack:
        stores = dict[str, str]()
        if given.database in ("all", "sqlite"):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            stores["sqlite"] = str(Path(folder) / "attune.db")
        if given.database != "sqlite":
            found = binaries()
            assert found is not None, "PostgreSQL is not installed"
            address = given.database if given.database != "all" else stack.enter_context(server(found))
            stores["postgresql"] = new_database(address)
        for name, store in stores.items():
            commands = kill(store, given.kills, draw)
            print(json.dumps({"store": name, "kills": given.kills, "commands": commands}))


if __name__ == "__main__":
    main()
