"""What sinks are given: settled outcomes in the order of their writing, and how far each sink has come.

A batch is fixed before it is given: what a sink was given and did not confirm, it is given again with the
same bounds, by whoever comes next. So a sink that takes a batch twice can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, null, or_, select, update

from attune.store.outcomes import COLUMNS, StoredOutcome, stored
from attune.store.schema import dead_letters, dialect_of, insert, now, outcomes, reviews, sinks

_NEW = {"position": 0, "until": 0, "sent": 0, "error": "", "owner": None, "lease_until": 0.0}
_PARTS = ("draft", "chat", "reason", "detail")


@dataclass(frozen=True, slots=True)
class Taker:
    """Who gives a sink the outcomes of a task, and how long nobody else does."""

    sink: str
    task: str
    owner: str
    lease_s: float


@dataclass(frozen=True, slots=True)
class Settled:
    """An outcome with all that was written with it; None is what its place does not have."""

    outcome: StoredOutcome
    draft: str | None
    chat: Mapping[str, Any] | None
    reason: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Outcomes behind number `first` and up to `last`; `sent` rows went before it."""

    first: int
    last: int
    sent: int
    again: bool
    """The sink may have it already: it was given before, and not confirmed."""
    settled: tuple[Settled, ...]


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far a sink is behind, and what it failed with last ("" if it did not)."""

    name: str
    task: str
    waiting: int
    sent: int
    error: str


def waiting(connection: Connection, taker: Taker, most: int) -> int:
    """How many outcomes wait for the sink, counted up to `most`."""
    position = select(sinks.c.position).where(*_named(taker)).scalar_subquery()
    behind = _behind(taker.task, func.coalesce(position, 0)).limit(most).subquery()
    return connection.execute(select(func.count()).select_from(behind)).scalar_one()


def begin(connection: Connection, taker: Taker, most: int) -> Batch | None:
    """Fix the next batch and give it to the taker; None if there is none, or another has the sink."""
    new = insert(sinks, dialect_of(connection)).values(name=taker.sink, task=taker.task, **_NEW)
    connection.execute(new.on_conflict_do_nothing())
    free = or_(sinks.c.owner == taker.owner, sinks.c.lease_until <= now())
    taken = update(sinks).where(*_named(taker), free)
    lease = taken.values(owner=taker.owner, lease_until=now() + taker.lease_s)
    row = connection.execute(lease.returning(sinks.c.position, sinks.c.until, sinks.c.sent)).one_or_none()
    if row is None:
        return None
    last = row.until if row.until > row.position else _fix(connection, taker, row.position, most)
    if last is None:
        return None
    settled = _read(connection, taker.task, row.position, last)
    return Batch(row.position, last, row.sent, row.until > row.position, settled)


def end(connection: Connection, taker: Taker, batch: Batch, rows: int) -> None:
    """The batch is durable in the sink. Nothing changes if another took it over meanwhile."""
    done = {"position": batch.last, "sent": batch.sent + rows, "error": ""}
    at = (sinks.c.position == batch.first, sinks.c.owner == taker.owner)
    connection.execute(update(sinks).where(*_named(taker), *at).values(done))


def fail(connection: Connection, taker: Taker, why: str) -> None:
    """The sink failed: shown with its backlog until it does better."""
    connection.execute(update(sinks).where(*_named(taker), sinks.c.owner == taker.owner).values(error=why))


def leave(connection: Connection, taker: Taker) -> None:
    """Let another give the sink its outcomes."""
    free = {"owner": null(), "lease_until": 0.0}
    connection.execute(update(sinks).where(*_named(taker), sinks.c.owner == taker.owner).values(free))


def backlogs(connection: Connection) -> tuple[Backlog, ...]:
    """How far every sink is behind, the oldest outcomes of its task included."""
    behind = and_(outcomes.c.task == sinks.c.task, outcomes.c.seq > sinks.c.position)
    count = select(func.count()).where(behind).scalar_subquery()
    columns = (sinks.c.name, sinks.c.task, count, sinks.c.sent, sinks.c.error)
    rows = connection.execute(select(*columns).order_by(sinks.c.name, sinks.c.task))
    return tuple(Backlog(*row) for row in rows)


def _named(taker: Taker) -> tuple[Any, ...]:
    return sinks.c.name == taker.sink, sinks.c.task == taker.task


def _behind(task: str, position: Any) -> Any:
    after = (outcomes.c.task == task, outcomes.c.seq > position)
    return select(outcomes.c.seq).where(*after).order_by(outcomes.c.seq)


def _fix(connection: Connection, taker: Taker, position: int, most: int) -> int | None:
    numbers = connection.execute(_behind(taker.task, position).limit(most)).scalars().all()
    if not numbers:
        return None
    connection.execute(update(sinks).where(*_named(taker)).values(until=numbers[-1]))
    last: int = numbers[-1]
    return last


def _read(connection: Connection, task: str, first: int, last: int) -> tuple[Settled, ...]:
    parts = (reviews.c.draft, reviews.c.chat, dead_letters.c.reason, dead_letters.c.detail)
    joined = outcomes.outerjoin(reviews, _same(reviews)).outerjoin(dead_letters, _same(dead_letters))
    within = (outcomes.c.task == task, outcomes.c.seq > first, outcomes.c.seq <= last)
    query = select(*COLUMNS, *parts).select_from(joined).where(*within).order_by(outcomes.c.seq)
    return tuple(_settled(found._asdict()) for found in connection.execute(query))


def _same(table: Any) -> Any:
    names: Sequence[str] = ("key", "task", "task_version")
    return and_(*(table.c[name] == outcomes.c[name] for name in names))


def _settled(fields: dict[str, Any]) -> Settled:
    parts = {name: fields.pop(name) for name in _PARTS}
    return Settled(stored(fields), **parts)
