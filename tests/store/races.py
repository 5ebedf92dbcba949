"""Many people want the same review item at the same moment, again and again: one gets it, one decides it.

    python -m tests.store.races                       # 1,000 races on SQLite, 1,000 on PostgreSQL
    python -m tests.store.races --races 100 --database sqlite

Exit code 0: in every race one person had the item, one decision was made, and one reply is in the outbox.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from services.postgres import binaries, server
from sqlalchemy import text
from tests.postgres import new_database

from attune.desk.refusal import Refused
from attune.desk.ruling import Approve, Reject
from attune.outcome import Outcome, Place
from attune.store import Input, Store
from attune.store.desk.decide import Decision
from attune.store.desk.lease import Hand, Lease

PEOPLE = 6
LEASE_S, UNDO_S = 60.0, 10.0


def put(store: Store, n: int) -> int:
    """Puts the `n`th review item into a store where none waits; its number."""
    (taken,) = store.admit([Input(f"{n}", f"{n:0>32}", b"{}", "races")], "triage", "v1", "races", 60).items
    name = (taken.key, taken.digest, "triage", "v1")
    store.settle([(taken, Outcome(Place.REVIEW, *name, {"user_id": taken.key}, draft="Sorry."))])
    (line,) = store.reviews.waiting()
    return line.number


def race(store: Store, number: int) -> None:
    """All want item `number`, in two ways; the winner decides it in two windows at once, while the lease is
    as good as over and another would take it."""
    leases = list(_together([partial(_claim, store, number, person) for person in range(PEOPLE)]))
    held = [lease for lease in leases if lease is not None]
    assert len({lease.person for lease in held}) == 1, f"item {number}: {[lease.person for lease in held]}"
    lease = held[0]
    store.reviews.renew(lease, -1)
    ways: list[Callable[[], Any]] = [
        lambda: _decide(store, lease, "We are sorry."),
        lambda: _decide(store, lease, None),
        lambda: _take_and_decide(store, number),
    ]
    made = {decision.id for decision in _together(ways) if decision is not None}
    assert len(made) == 1, f"item {number}: {len(made)} decisions"


def check(store: Store, races: int) -> None:
    """One decision for each item, one reply for each approval, and a whole audit."""

    def count(query: str) -> int:
        return int(store._database.read(lambda connection: connection.execute(text(query)).scalar_one()))

    assert count("SELECT count(*) FROM decisions WHERE undone_at IS NULL") == races
    assert count("SELECT count(DISTINCT number) FROM decisions") == races
    approved = count("SELECT count(*) FROM decisions WHERE kind <> 'rejected'")
    assert count("SELECT count(*) FROM outbox") == approved
    assert store.audit.verify().fault == ""
    assert store.reviews.waits("nobody").open == 0


def _claim(store: Store, number: int, person: int) -> Lease | None:
    try:
        if person % 2:
            return store.reviews.claim_next(f"p{person}", LEASE_S)
        return store.reviews.claim(number, f"p{person}", LEASE_S)
    except Refused:
        return None


def _decide(store: Store, hand: Hand, words: str | None) -> Decision | None:
    try:
        return store.reviews.decide(hand, Approve(words), UNDO_S)
    except Refused:
        return None


def _take_and_decide(store: Store, number: int) -> Decision | None:
    try:
        return store.reviews.decide(store.reviews.claim(number, "late", LEASE_S), Reject("other"), UNDO_S)
    except Refused:
        return None


def _together(acts: list[Callable[[], Any]]) -> Iterator[Any]:
    """What the acts give, begun at one moment, each in its own thread."""
    gate, results = threading.Barrier(len(acts)), list[Any]([None] * len(acts))
    errors: list[BaseException] = []

    def run(place: int) -> None:
        gate.wait()
        try:
            results[place] = acts[place]()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    yield from results


def run(address: str, races: int) -> None:
    with Store.open(address) as store:
        for done in range(races):
            race(store, put(store, done))  # one item at a time, so that claim_next wants the same one
        check(store, races)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--races", type=int, default=1000)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    given = parser.parse_args()
    with ExitStack() as stack:
        addresses = {}
        if given.database != "postgresql":
            addresses["sqlite"] = f"{stack.enter_context(tempfile.TemporaryDirectory())}/attune.db"
        if given.database != "sqlite":
            folder = binaries()
            assert folder is not None, "the PostgreSQL server is not installed"
            addresses["postgresql"] = new_database(stack.enter_context(server(folder)))
        for name, address in addresses.items():
            began = time.monotonic()
            run(address, given.races)
            print(
                f"{name}: {given.races:,} races, each item held by one and decided once, "
                f"{time.monotonic() - began:.0f} s"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
