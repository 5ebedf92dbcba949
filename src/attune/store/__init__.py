"""The store: the database behind queue, results, reviews and dead letters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select

from attune.outcome import Outcome, Place, Reason
from attune.store import dead, inbox, outcomes, settle, sinks, status
from attune.store.arms import Arms
from attune.store.database import Database, connect
from attune.store.dead import DeadLetter
from attune.store.desk.audit import Audit
from attune.store.desk.examples import Examples
from attune.store.desk.insight import Insight
from attune.store.desk.outbox import Outbox
from attune.store.desk.reviews import Reviews
from attune.store.desk.sessions import Sessions
from attune.store.desk.users import Users
from attune.store.input import Admitted, Claimant, Enqueued, Input, Item
from attune.store.migrate import migrate
from attune.store.outcomes import Filter, Review, StoredOutcome
from attune.store.schema import now
from attune.store.sinks import Backlog, Batch, Settled, Taker
from attune.store.status import Status

__all__ = [
    "Admitted",
    "Backlog",
    "Batch",
    "DeadLetter",
    "Enqueued",
    "Input",
    "Item",
    "Review",
    "Settled",
    "Status",
    "Store",
    "StoredOutcome",
    "Taker",
]

Versions = str | Collection[str]
"""A version of a task, or those of several arms."""


class Store:
    """One database of chats and what became of them. Any thread may call any method.

    What a method has written is durable when it returns (but for a lease: see `claim`); one that raises has
    written nothing. Every failure of the database is a StoreError that says what to do. After one from
    `claim` or `admit` call `release`: the inputs may be in your hands without your knowing.
    """

    def __init__(self, database: Database, keep_chats: bool = True) -> None:
        self._database, self._keep_chats = database, keep_chats
        self.reviews = Reviews(database)
        """What the review desk does with items: the queue, claims, decisions."""
        self.audit = Audit(database)
        """Who did what, and when."""
        self.outbox = Outbox(database)
        """Approved replies on their way."""
        self.users = Users(database)
        """Who may use the desk."""
        self.sessions = Sessions(database)
        """Who is logged in."""
        self.insight = Insight(database)
        """Figures about all chats, and the search."""
        self.examples = Examples(database)
        """What people taught."""
        self.arms = Arms(database)
        """Which arms serve, and which did."""

    @classmethod
    def open(cls, address: str | Path, keep_chats: bool = True) -> Self:
        """The store at a path, sqlite:///path or postgresql://user@host/name, made or migrated as needed.

        Without `keep_chats` what was said in chats that need nobody is not written.
        """
        database = connect(address)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database, keep_chats)

    def close(self) -> None:
        """Give back all connections; a second call does nothing. Leases stay: call `release` before."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where the store is, without a password."""
        return self._database.shown

    def enqueue(self, inputs: Iterable[Input]) -> Enqueued:
        """Put inputs into the inbox, for `claim`; those that wait there already are counted as repeated."""
        new = list(inputs)
        return self._database.write(lambda connection: inbox.enqueue(connection, new))

    def admit(
        self, inputs: Iterable[Input], task: str, version: Versions, owner: str, lease_s: float
    ) -> Admitted:
        """Take inputs that came from elsewhere (a file, a topic) into `owner`'s hands, in one transaction.

        Repeated are those that have an outcome of this task and version, or one of several versions, or are
        `owner`'s already; held are those in another's live hands: ask again when its lease may have run out.
        """
        new, claimant = list(inputs), Claimant(task, _all(version), owner, lease_s)
        return self._database.write(lambda connection: inbox.admit(connection, new, claimant))

    def claim(self, n: int, task: str, version: Versions, owner: str, lease_s: float) -> Admitted:
        """Take up to `n` inputs that are in no live hands: those taken least often first, then the oldest.

        No two owners are given the same input while its lease lives. No items: nothing is free.
        Inputs that have an outcome already are dropped, and counted as repeated. A claim is not synced to
        the disk: after a power cut its owner is gone too, and the input is free at once.
        """
        claimant = Claimant(task, _all(version), owner, lease_s)
        return self._database.write(lambda connection: inbox.claim(connection, n, claimant), durable=False)

    def renew(self, owner: str, lease_s: float) -> int:
        """Begin all leases of `owner` anew; how many it holds."""
        return self._database.write(lambda connection: inbox.renew(connection, owner, lease_s), durable=False)

    def release(self, owner: str) -> int:
        """Give back all that `owner` holds; it does not count as a claim. How many it held."""
        return self._database.write(lambda connection: inbox.release(connection, owner))

    def settle(self, pairs: Iterable[tuple[Item, Outcome]]) -> None:
        """Write outcomes and take their inputs out of the inbox, all in one transaction.

        The first outcome of an input stays; to settle it again changes nothing. An outcome whose key
        another chat has used meanwhile becomes a dead letter, so none is lost.
        """
        settled = list(pairs)
        self._database.write(partial(settle.settle, pairs=settled, keep_chats=self._keep_chats))

    def outcomes(  # one keyword for each field of Filter: what a caller of a query expects
        self,
        *,
        place: Place | None = None,
        task: str | None = None,
        version: str | None = None,
        language: str | None = None,
        since: float | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[StoredOutcome]:
        """Outcomes in the order of their writing, in small pages; `since` is in seconds since 1970."""
        which = Filter(place, task, version, language, since, limit, newest_first)
        return outcomes.read(self._database, which)

    def outcome_of(self, given: Input, task: str, version: Versions) -> StoredOutcome | None:
        """What became of an input; None while it is not settled."""
        return self._database.read(
            lambda connection: outcomes.of_input(connection, given, task, _all(version))
        )

    def review(self, key: str, task: str | None = None, version: str | None = None) -> Review | None:
        """The review of a chat: the newest, where several tasks or versions made one."""
        return self._database.read(lambda connection: outcomes.review(connection, key, task, version))

    def dead(self, reason: Reason | None = None, limit: int | None = None) -> Iterator[DeadLetter]:
        """Dead letters without their attempts, oldest first, in small pages."""
        return dead.read(self._database, reason, limit)

    def dead_letter(self, key: str) -> DeadLetter | None:
        """The newest dead letter under `key`, with what was asked and answered."""
        return self._database.read(lambda connection: dead.letter(connection, key))

    def replay(
        self,
        keys: Iterable[str] | None = None,
        *,
        reason: Reason | None = None,
        all: bool = False,  # noqa: A002  (reads best where it is called)
    ) -> int:
        """Send dead letters back to the inbox: those under `keys`, those of a reason, or all. How many.

        A letter becomes an input and stops being an outcome in one transaction.
        """
        if (keys is not None) + (reason is not None) + all != 1:
            raise ValueError("give one of keys, reason and all")
        if keys is None:
            return self._replay_pages(reason)
        named = sorted(set(keys))
        chunks = (named[start : start + dead.PAGE] for start in range(0, len(named), dead.PAGE))
        return sum(self._database.write(partial(dead.replay_keys, keys=chunk)) for chunk in chunks)

    def _replay_pages(self, reason: Reason | None) -> int:
        # Not the letters that come while this runs: what fails at once would go round for ever.
        until = self._database.read(lambda connection: connection.execute(select(now())).scalar_one())
        total = 0
        while done := self._database.write(lambda connection: dead.replay_page(connection, reason, until)):
            total += done
        return total

    def sink_waiting(self, taker: Taker, most: int) -> int:
        """How many outcomes wait for a sink, counted up to `most`."""
        return self._database.read(lambda connection: sinks.waiting(connection, taker, most))

    def begin_batch(self, taker: Taker, most: int) -> Batch | None:
        """The next outcomes for a sink: in the order of their commits, and the same again, bounds and all,
        until `end_batch` confirms them. None: nothing waits, or another gives this sink its outcomes."""
        return self._database.write(lambda connection: sinks.begin(connection, taker, most))

    def end_batch(self, taker: Taker, batch: Batch, rows: int) -> None:
        """Confirm that the sink has the batch durably; `rows` were new to it."""
        self._database.write(lambda connection: sinks.end(connection, taker, batch, rows))

    def fail_batch(self, taker: Taker, why: str) -> None:
        """Keep what a sink failed with, until it takes a batch."""
        self._database.write(lambda connection: sinks.fail(connection, taker, why), durable=False)

    def leave_sink(self, taker: Taker) -> None:
        """Let another give the sink its outcomes."""
        self._database.write(lambda connection: sinks.leave(connection, taker), durable=False)

    def backlogs(self) -> tuple[Backlog, ...]:
        """Every sink that was ever used with this store, and how far it is behind."""
        return self._database.read(sinks.backlogs)

    def waiting(self) -> int:
        """How many inputs have no end yet: also those in live hands, which come back if their holder dies."""
        return self._database.read(status.waiting)

    def counts(self) -> dict[Place, int]:
        """How many outcomes each place has."""
        return self._database.read(status.counts)

    def status(self) -> Status:
        """Backlog, counts, rates and latencies; reads an index or two, never whole rows."""
        return self._database.read(status.status)


def _all(version: Versions) -> Collection[str]:
    return (version,) if isinstance(version, str) else version
