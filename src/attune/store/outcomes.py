"""Reading outcomes: in pages, so that a slow reader holds no lock, no snapshot and little memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, func, select, tuple_

from attune.outcome import Outcome, Place
from attune.store.database import Database, rows_of
from attune.store.input import Input
from attune.store.schema import chats, outcomes, reviews

PAGE = 500


@dataclass(frozen=True, slots=True)
class StoredOutcome:
    """A row of the table of outcomes; `attempts` counts the questions put to the engine."""

    place: Place
    key: str
    digest: str
    task: str
    task_version: str
    user_id: str | None
    language: str | None
    channel: str | None
    values: Mapping[str, Any]
    confidence: Mapping[str, float]
    flags: tuple[str, ...]
    model: str
    arm: str
    prompt_tokens: int
    output_tokens: int
    first_slot_s: float
    total_s: float
    attempts: int
    created_at: float


@dataclass(frozen=True, slots=True)
class Review:
    """A drafted reply that waits for a person: `chat` reads back by attune.chat, status begins as "open"."""

    key: str
    task: str
    task_version: str
    chat: Mapping[str, Any]
    draft: str
    status: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Filter:
    """Which outcomes to read; None leaves a field open, `since` is in seconds since 1970."""

    place: Place | None = None
    task: str | None = None
    version: str | None = None
    language: str | None = None
    since: float | None = None
    limit: int | None = None
    newest_first: bool = False


COLUMNS = tuple(column for column in outcomes.columns if column.name != "seq")
SAID = func.coalesce(reviews.c.chat, chats.c.chat, type_=chats.c.chat.type).label("chat")
"""What was said, of a query by `with_chats`; None where it is not kept."""
_ORDER = (outcomes.c.created_at, outcomes.c.key, outcomes.c.task, outcomes.c.task_version)


def read(database: Database, which: Filter) -> Iterator[StoredOutcome]:
    """The outcomes in the order of their writing; each page is one short query.

    An outcome written while this reads may be among them or not; none comes twice.
    """
    left = which.limit
    query = _query(which)
    page = query
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        rows = rows_of(database, page.limit(size))
        yield from (stored(row._asdict()) for row in rows)
        if len(rows) < size:
            return
        left = None if left is None else left - size
        page = _after(query, rows[-1], which.newest_first)


def review(connection: Connection, key: str, task: str | None, version: str | None) -> Review | None:
    """The review of a chat: the newest, where tasks or versions left open fit several."""
    named = {"key": key, "task": task, "task_version": version}
    columns = (reviews.c[name] for name in Review.__dataclass_fields__)
    query = select(*columns).order_by(reviews.c.created_at.desc()).limit(1)
    query = query.where(*(reviews.c[name] == value for name, value in named.items() if value is not None))
    row = connection.execute(query).one_or_none()
    return None if row is None else Review(**row._asdict())


def with_chats(query: Select[Any]) -> Select[Any]:
    """A query over outcomes, each joined with its review and its chat, where it has one."""
    joined = outcomes.outerjoin(reviews, _same(reviews)).outerjoin(chats, _same(chats))
    return query.select_from(joined)


def _same(part: Table) -> Any:
    return and_(*(part.c[name] == outcomes.c[name] for name in ("key", "task", "task_version")))


def of_input(
    connection: Connection, given: Input, task: str, versions: Collection[str]
) -> StoredOutcome | None:
    """What became of `given` by one of the versions, under whichever key: see Input.spare_key."""
    keys = (given.key, given.spare_key, f"{given.key}~{given.digest}")
    query = select(*COLUMNS).where(
        outcomes.c.key.in_(keys),
        outcomes.c.digest == given.digest,
        outcomes.c.task == task,
        outcomes.c.task_version.in_(versions),
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else stored(row._asdict())


def _query(which: Filter) -> Select[Any]:
    wanted = {
        outcomes.c.place: which.place,
        outcomes.c.task: which.task,
        outcomes.c.task_version: which.version,
        outcomes.c.language: which.language,
    }
    query = select(*COLUMNS).where(
        *(column == value for column, value in wanted.items() if value is not None)
    )
    if which.since is not None:
        query = query.where(outcomes.c.created_at >= which.since)
    return query.order_by(*(column.desc() if which.newest_first else column for column in _ORDER))


def _after(query: Select[Any], last: Row[Any], newest_first: bool) -> Select[Any]:
    """The query from behind its row `last` on."""
    place = tuple_(*_ORDER)
    end = tuple_(last.created_at, last.key, last.task, last.task_version)
    time = outcomes.c.created_at
    # The time alone says nothing new, but lets a database that cannot split the tuple use its index.
    if newest_first:
        return query.where(place < end, time <= last.created_at)
    return query.where(place > end, time >= last.created_at)


def stored(row: Mapping[str, Any]) -> StoredOutcome:
    """The outcome in a row of COLUMNS."""
    typed = {"place": Place(row["place"]), "flags": tuple(row["flags"])}
    return StoredOutcome(**{**row, **typed})


def columns_of(outcome: Outcome) -> dict[str, Any]:
    """What the table of outcomes holds of `outcome`: all but when it was written, and as which."""
    chat = outcome.chat or {}
    return {
        "place": outcome.place,
        "key": outcome.key,
        "digest": outcome.digest,
        "task": outcome.task,
        "task_version": outcome.task_version,
        "user_id": chat.get("user_id"),
        "language": chat.get("language"),
        "channel": chat.get("channel"),
        "values": dict(outcome.values),
        "confidence": dict(outcome.confidence),
        "flags": list(outcome.flags),
        "model": outcome.model,
        "arm": outcome.arm,
        "prompt_tokens": outcome.prompt_tokens,
        "output_tokens": outcome.output_tokens,
        "first_slot_s": outcome.first_slot_s,
        "total_s": outcome.total_s,
        "attempts": len(outcome.attempts),
    }
