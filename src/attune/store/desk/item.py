"""One chat as a person sees it: what was said, what the model made of it, what people did with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, select

from attune.desk.refusal import StaleReason, Unknown
from attune.store.desk import stale
from attune.store.desk.decide import COLUMNS, Decision, decision
from attune.store.desk.queue import LIVE
from attune.store.desk.schema import corrections, decisions, ratings
from attune.store.outcomes import COLUMNS as OUTCOME
from attune.store.outcomes import StoredOutcome, stored
from attune.store.schema import outcomes, reviews


@dataclass(frozen=True, slots=True)
class Correction:
    field: str
    value: Any
    person: str
    corrected_at: float


@dataclass(frozen=True, slots=True)
class Item:
    """A review item. `outcome` is as the model left it; in `values` stands what people corrected."""

    number: int
    outcome: StoredOutcome
    chat: Mapping[str, Any]
    """Reads back by attune.chat."""
    draft: str
    status: str
    """open, approved or rejected."""
    holder: str | None
    """Whose live lease it is in; None where none lives."""
    until: float | None
    assignee: str | None
    note: str | None
    """What was said when it was handed over."""
    values: Mapping[str, Any]
    corrections: tuple[Correction, ...]
    ratings: Mapping[str, int]
    """Stars by person."""
    decision: Decision | None
    """The one that stands."""
    stale: tuple[StaleReason, ...]


def item(connection: Connection, number: int) -> Item:
    row: Row[Any] | None = connection.execute(_ITEM.where(reviews.c.number == number)).one_or_none()
    if row is None:
        raise Unknown(f"There is no review item {number}.")
    outcome = stored({column.name: getattr(row, column.name) for column in OUTCOME})
    corrected = corrections_of(connection, number)
    return Item(
        number=number,
        outcome=outcome,
        **{name: getattr(row, name) for name in ("chat", "draft", "status", "assignee", "note")},
        holder=row.live_holder,
        until=row.live_until,
        values=dict(outcome.values) | {each.field: each.value for each in corrected},
        corrections=corrected,
        ratings=ratings_of(connection, number),
        decision=_standing(connection, number),
        stale=stale.reasons(connection, row) if row.status == "open" else (),
    )


def corrections_of(connection: Connection, number: int) -> tuple[Correction, ...]:
    """All of them, the oldest first: the last of a field counts."""
    columns = (corrections.c[name] for name in Correction.__dataclass_fields__)
    query = select(*columns).where(corrections.c.number == number).order_by(corrections.c.id)
    return tuple(Correction(*row) for row in connection.execute(query))


def ratings_of(connection: Connection, number: int) -> dict[str, int]:
    query = select(ratings.c.person, ratings.c.stars).where(ratings.c.number == number)
    return {row.person: row.stars for row in connection.execute(query)}


def _standing(connection: Connection, number: int) -> Decision | None:
    stands = (decisions.c.number == number, decisions.c.undone_at.is_(None))
    row: Row[Any] | None = connection.execute(select(*COLUMNS).where(*stands)).one_or_none()
    return None if row is None else decision(row)


_SAME = [reviews.c[name] == outcomes.c[name] for name in ("key", "task", "task_version")]
_OWN = ("number", "chat", "draft", "status", "assignee", "note")
_ITEM: Select[Any] = select(
    *OUTCOME,
    *(reviews.c[name] for name in _OWN),
    case((LIVE, reviews.c.holder)).label("live_holder"),
    case((LIVE, reviews.c.lease_until)).label("live_until"),
).join_from(reviews, outcomes, and_(*_SAME))
