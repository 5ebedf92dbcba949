"""A chat's whole way: what came in, what was asked and answered, what people did, what went out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from attune.desk.refusal import Unknown
from attune.outcome import Attempt
from attune.store.desk import audit as audits
from attune.store.desk.audit import Record
from attune.store.desk.decide import COLUMNS as DECISION
from attune.store.desk.decide import Decision, decision
from attune.store.desk.item import Correction, corrections_of, ratings_of
from attune.store.desk.schema import audit, decisions, outbox
from attune.store.outcomes import COLUMNS, SAID, StoredOutcome, stored, with_chats
from attune.store.schema import attempts, outcomes, reviews

_RECORDS = 1000


@dataclass(frozen=True, slots=True)
class Delivery:
    """An approved reply on its way: waiting, sent or failed."""

    decision: str
    state: str
    due_at: float
    tries: int
    error: str
    sent_at: float | None


@dataclass(frozen=True, slots=True)
class Way:
    """`draft` is None for a table row, and `chat` too where the store was told not to keep it; `attempts`
    are kept where they say more than the verdict. The prompt is what the task makes of the chat."""

    number: int
    outcome: StoredOutcome
    chat: Mapping[str, Any] | None
    draft: str | None
    attempts: tuple[Attempt, ...]
    decisions: tuple[Decision, ...]
    """Also those that were undone."""
    deliveries: tuple[Delivery, ...]
    corrections: tuple[Correction, ...]
    ratings: Mapping[str, int]
    records: tuple[Record, ...]


def way(connection: Connection, number: int) -> Way:
    settled = with_chats(select(*COLUMNS, SAID, reviews.c.draft)).where(outcomes.c.seq == number)
    row: Row[Any] | None = connection.execute(settled).one_or_none()
    if row is None:
        raise Unknown(f"There is no chat {number}.")
    made = select(*DECISION).where(decisions.c.number == number).order_by(decisions.c.decided_at)
    out = select(*(outbox.c[name] for name in Delivery.__dataclass_fields__)).where(outbox.c.number == number)
    return Way(
        number=number,
        outcome=stored({column.name: getattr(row, column.name) for column in COLUMNS}),
        chat=row.chat,
        draft=row.draft,
        attempts=_attempts(connection, row),
        decisions=tuple(decision(each) for each in connection.execute(made)),
        deliveries=tuple(Delivery(*each) for each in connection.execute(out.order_by(outbox.c.id))),
        corrections=corrections_of(connection, number),
        ratings=ratings_of(connection, number),
        records=_records(connection, number),
    )


def _attempts(connection: Connection, row: Row[Any]) -> tuple[Attempt, ...]:
    named = [attempts.c[name] == getattr(row, name) for name in ("key", "task", "task_version")]
    columns = (attempts.c[name] for name in ("asked", "seed", "text", "error", "seconds"))
    return tuple(Attempt(*each) for each in connection.execute(select(*columns).where(*named).order_by("n")))


def _records(connection: Connection, number: int) -> tuple[Record, ...]:
    about = select(audit).where(audit.c.subject == audits.chat(number)).order_by(audit.c.seq)
    return tuple(Record(**row._asdict()) for row in connection.execute(about.limit(_RECORDS)))
