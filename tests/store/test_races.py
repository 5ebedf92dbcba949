"""Many hands at once: none is given what another holds, and nothing is lost between them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from attune.outcome import Place
from attune.store import Input, Store
from attune.store.sqlite import Sqlite

Given = Callable[..., Input]
Make = Callable[..., Any]

CLAIM = """
import sys
from attune.store import Store
store = Store.open(sys.argv[1])
sys.stdin.read()
while items := store.claim(3, "triage", "v1", sys.argv[2], 60).items:
    print(*(item.key for item in items), sep="\\n")
"""


def _together(act: Callable[[int], None], threads: int) -> None:
    """Run `act` in so many threads that begin at one moment; raise what one of them raised."""
    gate, errors = threading.Barrier(threads), []

    def one(number: int) -> None:
        gate.wait()
        try:
            act(number)
        except Exception as error:  # noqa: BLE001  (raised again below)
            errors.append(error)

    running = [threading.Thread(target=one, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]


def test_eight_threads_claim_each_row_once(store: Store, given: Given, worker: Make) -> None:
    store.enqueue(given(str(n)) for n in range(300))
    taken: list[str] = []

    def claim(number: int) -> None:
        while items := worker(f"w{number}").claim(5).items:
            taken.extend(item.key for item in items)

    _together(claim, 8)
    assert Counter(taken) == Counter(str(n) for n in range(300))


def test_four_processes_claim_each_row_once(address: str, store: Store, given: Given) -> None:
    store.enqueue(given(str(n)) for n in range(300))
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen([sys.executable, "-c", CLAIM, address, f"w{n}"], **pipes) for n in range(4)]
    for process in workers:
        process.stdin = process.stdin and process.stdin.close()
    taken = "".join(process.communicate(timeout=60)[0] for process in workers).split()
    assert [process.returncode for process in workers] == [0] * 4
    assert Counter(taken) == Counter(str(n) for n in range(300))


def test_an_expired_row_has_one_new_holder(store: Store, given: Given, worker: Make) -> None:
    store.enqueue(given(str(n)) for n in range(40))
    worker("dead", lease_s=-1).claim(40)
    taken: list[str] = []

    def take(number: int) -> None:
        hand = worker(f"w{number}")
        inputs = [given(str(n)) for n in range(40)]
        items = hand.claim(40).items if number % 2 else hand.admit(*inputs).items
        taken.extend(item.key for item in items)

    _together(take, 6)
    assert max(Counter(taken).values()) == 1
    assert len(taken) == 40 or store.status().waiting == 40 - len(taken)


def test_the_same_inputs_from_many_sources_are_taken_once(given: Given, worker: Make) -> None:
    taken: list[str] = []

    def admit(number: int) -> None:
        inputs = [given(str(n)) for n in range(100)]
        for start in range(0, 100, 10):
            chunk = inputs[start : start + 10]
            # In orders that cross: the database must untangle the locks.
            items = worker(f"w{number}").admit(*(chunk if number % 2 else reversed(chunk))).items
            taken.extend(item.key for item in items)

    _together(admit, 6)
    assert Counter(taken) == Counter(str(n) for n in range(100))


def test_the_same_outcomes_from_many_workers_are_written_once(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    items = worker().admit(*(given(str(n)) for n in range(60))).items

    def settle(number: int) -> None:
        place = list(Place)[number % 3]
        for start in range(0, 60, 20):
            chunk = items[start : start + 20]
            store.settle([ended(item, place) for item in (chunk if number % 2 else chunk[::-1])])

    _together(settle, 6)
    rows = list(store.outcomes())
    assert sorted(int(row.key) for row in rows) == list(range(60))
    assert store.waiting() == 0
    assert all((store.review(row.key) is not None) == (row.place is Place.REVIEW) for row in rows)
    assert len(list(store.dead())) == store.counts()[Place.DEAD]


def test_chats_with_one_id_from_many_workers_all_end_somewhere(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    def run(number: int) -> None:
        hand = worker(f"w{number}")
        for n in range(20):
            for item in hand.admit(given(str(n), f"words of {number}")).items:
                store.settle([ended(item, Place.DEAD if item.conflict else Place.TABLE)])

    _together(run, 5)
    rows = list(store.outcomes())
    assert len(rows) == 100
    assert store.counts() == {Place.TABLE: 20, Place.REVIEW: 0, Place.DEAD: 80}
    assert store.waiting() == 0


def test_writes_that_wait_for_each_other_share_a_transaction_and_fail_apart(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "attune.db")
    database.write(lambda connection: connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)")))
    gate = threading.Barrier(9)

    def write(number: int) -> int:
        gate.wait()
        return database.write(lambda connection: _insert(connection, number))

    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(write, number) for number in range(8)]
        # Holds the writer until all of them stand in line.
        database.write(lambda _: _hold(gate))
        ends = [write.exception() for write in writes]
    assert [bool(end) for end in ends] == [number % 3 == 0 for number in range(8)]
    assert all(isinstance(end, ValueError) for end in ends if end)
    stored = database.read(lambda connection: connection.execute(text("SELECT n FROM t ORDER BY n")).all())
    assert [row.n for row in stored] == [1, 2, 4, 5, 7]
    database.close()


def _insert(connection: Connection, number: int) -> int:
    connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
    if number % 3 == 0:
        raise ValueError(number)
    return number


def _hold(gate: threading.Barrier) -> None:
    gate.wait()
    time.sleep(0.2)
