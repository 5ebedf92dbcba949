"""The queue of review items: what waits, for whom, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, literal_column, or_, select

from attune.store.desk.schema import audit_head
from attune.store.schema import last_outcome, now, outcomes, reviews

OPEN = "open"
IS_OPEN = reviews.c.status == literal_column(f"'{OPEN}'")
"""In the statement's own words: SQLite takes an index of open items for no parameter."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items; None leaves a field open."""

    language: str | None = None
    channel: str | None = None
    waits_s: float | None = None
    """Only those that wait this long or longer."""
    free_for: str | None = None
    """Only those that this person could claim now."""
    held_by: str | None = None
    """Only those in this person's hands, or handed to them."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line of the queue. `holder` and `until` are None unless somebody's lease lives."""

    number: int
    key: str
    task: str
    task_version: str
    user_id: str | None
    language: str | None
    channel: str | None
    values: Mapping[str, Any]
    model: str
    arm: str
    created_at: float
    waits_s: float
    holder: str | None
    until: float | None
    assignee: str | None


@dataclass(frozen=True, slots=True)
class Waits:
    """How many items are open, and of these free to all, in a live lease, and with or for one person."""

    open: int
    free: int
    held: int
    mine: int
    oldest_s: float | None
    """How long the first of them waits; None when none does."""


LIVE = and_(reviews.c.holder.is_not(None), reviews.c.lease_until > now())


def claimable(person: str) -> ColumnElement[bool]:
    """Whether `person` could take a row of reviews into their hands, or has it there."""
    theirs = or_(reviews.c.assignee.is_(None), reviews.c.assignee == person)
    free = or_(reviews.c.holder.is_(None), reviews.c.lease_until <= now(), reviews.c.holder == person)
    return and_(IS_OPEN, theirs, free)


def chosen(which: Wanted) -> tuple[ColumnElement[bool], ...]:
    """The conditions on reviews that `which` makes."""
    wanted = {reviews.c.language: which.language, reviews.c.channel: which.channel}
    conditions = [column == value for column, value in wanted.items() if value is not None]
    if which.waits_s is not None:
        conditions.append(reviews.c.created_at <= now() - which.waits_s)
    if which.free_for is not None:
        conditions.append(claimable(which.free_for))
    if which.held_by is not None:
        conditions.append(_mine(which.held_by))
    return (IS_OPEN, *conditions)


def page(connection: Connection, which: Wanted, after: int, limit: int) -> tuple[Waiting, ...]:
    query = _lines().where(*chosen(which), reviews.c.number > after)
    rows = connection.execute(query.order_by(reviews.c.number).limit(limit))
    return tuple(_waiting(row) for row in rows)


def waits(connection: Connection, which: Wanted, person: str) -> Waits:
    """Counted apart: what is in hands is little, and has an index of its own."""
    among = chosen(which)
    total = connection.execute(select(func.count()).where(*among)).scalar_one()
    bound = or_(reviews.c.assignee.is_not(None), LIVE)
    sums = (func.coalesce(func.sum(case((each, 1), else_=0)), 0) for each in (bound, LIVE, _mine(person)))
    in_hands = or_(reviews.c.holder.is_not(None), reviews.c.assignee.is_not(None))
    not_free, held, mine = connection.execute(select(*sums).where(*among, in_hands)).one()
    oldest = select(now() - reviews.c.created_at).where(*among).order_by(reviews.c.number).limit(1)
    return Waits(total, total - not_free, held, mine, connection.execute(oldest).scalar())


def change(connection: Connection) -> int:
    moved = select(last_outcome.c.seq + audit_head.c.seq).join_from(
        last_outcome, audit_head, onclause=last_outcome.c.seq >= 0
    )
    number: int = connection.execute(moved).scalar_one()
    return number


def languages(connection: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The languages and the channels of open items."""
    found = []
    for column in (reviews.c.language, reviews.c.channel):
        there = (IS_OPEN, column.is_not(None))
        found.append(connection.execute(select(column).where(*there).distinct().order_by(column)).scalars())
    return tuple(found[0]), tuple(found[1])


def _mine(person: str) -> ColumnElement[bool]:
    return or_(reviews.c.assignee == person, and_(LIVE, reviews.c.holder == person))


def _lines() -> Select[Any]:
    same = [reviews.c[name] == outcomes.c[name] for name in ("key", "task", "task_version")]
    names = ("number", "key", "task", "task_version", "user_id", "language", "channel", "created_at")
    return select(
        *(reviews.c[name] for name in names),
        outcomes.c["values"],
        outcomes.c.model,
        outcomes.c.arm,
        (now() - reviews.c.created_at).label("waits_s"),
        case((LIVE, reviews.c.holder)).label("holder"),
        case((LIVE, reviews.c.lease_until)).label("until"),
        reviews.c.assignee,
    ).join_from(reviews, outcomes, and_(*same))


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(**row._asdict())
