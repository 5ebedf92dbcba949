# ruff: noqa: A005  (it is only ever bench.queue)
"""How many chats a second the store takes in, hands out and settles, durably.

    python -m bench.queue
    python -m bench.queue --store postgresql://user@host/empty_database --json

One by one: put in, claimed and settled in three transactions each. In batches of 64: taken from a source and
settled in two transactions. Beside it: what SQLite itself does with a commit for each row.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from attune.outcome import Attempt, Outcome, Place
from attune.store import Input, Item, Store
from bench import report

BATCH = 64
THREADS = 8
RAW = json.dumps({"id": 1, "user_id": 2, "text": "I asked twice where my order is. " * 25}).encode()
_WAYS = """One by one: put in, claimed and settled, in three transactions for each chat; the claim alone is
not synced to the disk, since a power cut ends its worker too. In batches: admitted and settled, in two
transactions, both synced. Beside it SQLite itself: three synced commits of a row each and nothing else."""
TASK, VERSION, LEASE_S = "triage", "bench", 60.0


@dataclass(frozen=True, slots=True)
class Measured:
    store: str
    way: str
    chats: int
    per_s: float
    us_per_chat: float


def one_by_one(store: Store, names: list[str], owner: str) -> None:
    for name in names:
        store.enqueue([_input(name)])
        (item,) = store.claim(1, TASK, VERSION, owner, LEASE_S).items
        store.settle([(item, _outcome(item))])


def in_batches(store: Store, names: list[str], owner: str) -> None:
    for start in range(0, len(names), BATCH):
        inputs = [_input(name) for name in names[start : start + BATCH]]
        taken = store.admit(inputs, TASK, VERSION, owner, LEASE_S)
        store.settle([(item, _outcome(item)) for item in taken.items])


def threaded(store: Store, names: list[str], owner: str) -> None:
    parts = [names[start::THREADS] for start in range(THREADS)]
    threads = [
        threading.Thread(target=one_by_one, args=(store, part, f"{owner}-{number}"))
        for number, part in enumerate(parts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bare_sqlite(path: Path, chats: int) -> Measured:
    """The ceiling: three commits for each chat, and nothing but a row in each."""
    with sqlite3.connect(path, isolation_level=None) as bare:
        bare.execute("PRAGMA journal_mode=WAL")
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute("CREATE TABLE rows (raw BLOB)")
        started = time.perf_counter()
        for _ in range(3 * chats):
            bare.execute("INSERT INTO rows VALUES (?)", (RAW,))
        seconds = time.perf_counter() - started
    return _measured("sqlite3", "3 bare commits", chats, seconds)


def measure(address: str, kind: str, chats: int) -> list[Measured]:
    ways: list[tuple[str, Callable[[Store, list[str], str], None], int]] = [
        ("one by one", one_by_one, chats),
        (f"one by one, {THREADS} threads", threaded, chats),
        (f"batches of {BATCH}", in_batches, chats * 10),
    ]
    found = []
    with Store.open(address) as store:
        for way, act, count in ways:
            act(store, _names(BATCH), "warm")
            names = _names(count)
            started = time.perf_counter()
            act(store, names, "bench")
            found.append(_measured(kind, way, count, time.perf_counter() - started))
        assert store.waiting() == 0
    return found


def _names(count: int) -> list[str]:
    run = uuid.uuid4().hex[:8]
    return [f"{run}-{number}" for number in range(count)]


def _input(name: str) -> Input:
    return Input(name, f"{name:0>32}", RAW, f"bench.jsonl:{name}")


def _outcome(item: Item) -> Outcome:
    values = {"sentiment": 0, "summary": "The customer asks for the second time where the order is."}
    attempt = Attempt("triage", 0, json.dumps(values), "", 0.1)
    return Outcome(
        Place.TABLE,
        item.key,
        item.digest,
        TASK,
        VERSION,
        values=values,
        confidence={"sentiment": 0.93},
        attempts=(attempt,),
        model="bench",
    )


def _measured(store: str, way: str, chats: int, seconds: float) -> Measured:
    return Measured(store, way, chats, round(chats / seconds, 1), round(seconds / chats * 1e6, 1))


def _tell(found: list[Measured]) -> None:
    rows = [(row.store, row.way, f"{row.per_s:,.0f}", f"{row.us_per_chat:,.1f}") for row in found]
    body = report.table(("store", "way", "chats/s", "µs/chat"), rows)
    print(body)
    report.write("The store's queue", "make bench", f"{_WAYS}\n\n{body}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--store", help="a PostgreSQL database to measure beside SQLite")
    parser.add_argument("--folder", type=Path, help="where the SQLite files are put, on the disk to measure")
    parser.add_argument("--chats", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        found = [bare_sqlite(Path(folder) / "bare.db", given.chats)]
        found += measure(f"{folder}/attune.db", "sqlite", given.chats)
    if given.store:
        found += measure(given.store, "postgresql", given.chats)
    if given.json:
        print(json.dumps([asdict(row) for row in found]))
    else:
        _tell(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
