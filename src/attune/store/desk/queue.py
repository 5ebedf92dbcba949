"""The queue of review items: what waits, for whom, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from attune.store.desk.schema import audit_head
from attune.store.desk.sorts import NAMES
from attune.store.schema import last_outcome, now, open_items, outcomes, reviews

OPEN = "open"
IS_OPEN = reviews.c.status == literal_column(f"'{OPEN}'")
"""In the statement's own words: SQLite takes an index of open items for no parameter."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items; None leaves a field open."""

    language: str | None = None
    channel: str | None = None
    model: str | None = None
    arm: str | None = None
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


def by_index(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether any of `which` holds for a row of reviews: each has an index of its own, which SQLite would
    not use for all of them together."""
    picked = (select(reviews.c.number).where(IS_OPEN, each).correlate(None) for each in which)
    return reviews.c.number.in_(union_all(*picked))


_IN_HANDS = by_index(reviews.c.holder > "", reviews.c.assignee > "")


def claimable(person: str) -> ColumnElement[bool]:
    """Whether `person` could take a row of reviews into their hands, or has it there."""
    theirs = or_(reviews.c.assignee.is_(None), reviews.c.assignee == person)
    free = or_(reviews.c.holder.is_(None), reviews.c.lease_until <= now(), reviews.c.holder == person)
    return and_(IS_OPEN, theirs, free)


def chosen(which: Wanted) -> tuple[ColumnElement[bool], ...]:
    """The conditions on reviews that `which` makes."""
    conditions = _of_sort(which, reviews)
    if which.waits_s is not None:
        conditions.append(reviews.c.created_at <= now() - which.waits_s)
    if which.free_for is not None:
        conditions.append(claimable(which.free_for))
    if which.held_by is not None:
        conditions.append(_mine(which.held_by))
    return (IS_OPEN, *conditions)


def _of_sort(which: Wanted, table: Table) -> list[ColumnElement[bool]]:
    wanted = {name: getattr(which, name) for name in NAMES}
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def page(connection: Connection, which: Wanted, after: int, limit: int) -> tuple[Waiting, ...]:
    query = _lines().where(*chosen(which), reviews.c.number > after)
    rows = connection.execute(query.order_by(reviews.c.number).limit(limit))
    return tuple(_waiting(row) for row in rows)


def waits(connection: Connection, which: Wanted, person: str) -> Waits:
    """Counted apart: what is open has sums, and what is in hands is little and has an index of its own."""
    among = chosen(which)
    total = _open(connection, which)
    bound = or_(reviews.c.assignee.is_not(None), LIVE)
    sums = (func.coalesce(func.sum(case((each, 1), else_=0)), 0) for each in (bound, LIVE, _mine(person)))
    not_free, held, mine = connection.execute(select(*sums).where(*among, _IN_HANDS)).one()
    oldest = select(now() - reviews.c.created_at).where(*among).order_by(reviews.c.number).limit(1)
    return Waits(total, total - not_free, held, mine, connection.execute(oldest).scalar() if total else None)


def _open(connection: Connection, which: Wanted) -> int:
    if which.waits_s is not None:
        return connection.execute(select(func.count()).where(*chosen(which))).scalar_one()
    total = select(func.coalesce(func.sum(open_items.c.n), 0)).where(*_of_sort(which, open_items))
    return int(connection.execute(total).scalar_one())


def change(connection: Connection) -> int:
    moved = select(last_outcome.c.seq + audit_head.c.seq).join_from(
        last_outcome, audit_head, onclause=last_outcome.c.seq >= 0
    )
    number: int = connection.execute(moved).scalar_one()
    return number


def _mine(person: str) -> ColumnElement[bool]:
    theirs = (reviews.c.assignee == person, reviews.c.holder == person)
    return and_(by_index(*theirs), or_(theirs[0], and_(LIVE, theirs[1])))


def _lines() -> Select[Any]:
    same = [reviews.c[name] == outcomes.c[name] for name in ("key", "task", "task_version")]
    names = ("number", "key", "task", "task_version", "user_id", *NAMES, "created_at")
    return select(
        *(reviews.c[name] for name in names),
        outcomes.c["values"],
        (now() - reviews.c.created_at).label("waits_s"),
        case((LIVE, reviews.c.holder)).label("holder"),
        case((LIVE, reviews.c.lease_until)).label("until"),
        reviews.c.assignee,
    ).join_from(reviews, outcomes, and_(*same))


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(**row._asdict())
