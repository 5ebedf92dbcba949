"""Dead letters: inputs that could not be read or answered, with all that is needed to try again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, null, select, tuple_

from attune.outcome import Attempt, Reason
from attune.store.database import Database, rows_of
from attune.store.schema import attempts, dead_letters, dialect_of, inbox, insert, now, outcomes

PAGE = 200


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An input as it came, and why it got no answer; its attempts only where one letter is asked for."""

    key: str
    task: str
    task_version: str
    input_key: str
    digest: str
    raw: bytes
    ref: str
    reason: Reason
    detail: str
    created_at: float
    attempts: tuple[Attempt, ...] = ()


_NAME = (dead_letters.c.key, dead_letters.c.task, dead_letters.c.task_version)
_ORDER = (dead_letters.c.created_at, *_NAME)
_LETTERS = select(dead_letters, outcomes.c.digest).join_from(dead_letters, outcomes)
_REMOVE = delete(outcomes).where(
    outcomes.c.key == bindparam("the_key"),
    outcomes.c.task == bindparam("the_task"),
    outcomes.c.task_version == bindparam("the_version"),
)


def read(database: Database, reason: Reason | None, limit: int | None) -> Iterator[DeadLetter]:
    """Dead letters, oldest first, in short queries."""
    left = limit
    last: DeadLetter | None = None
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        query = _page(_LETTERS, reason, last).limit(size)
        letters = [_letter(row) for row in rows_of(database, query)]
        yield from letters
        if len(letters) < size:
            return
        last = letters[-1]
        left = None if left is None else left - size


def letter(connection: Connection, key: str) -> DeadLetter | None:
    """The newest dead letter under `key`, with its attempts."""
    row = connection.execute(
        _LETTERS.where(dead_letters.c.key == key).order_by(dead_letters.c.created_at.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return None
    asked = select(
        attempts.c.asked, attempts.c.seed, attempts.c.text, attempts.c.error, attempts.c.seconds
    ).where(
        attempts.c.key == row.key, attempts.c.task == row.task, attempts.c.task_version == row.task_version
    )
    tried = connection.execute(asked.order_by(attempts.c.n)).all()
    return _letter(row, tuple(Attempt(*one) for one in tried))


def replay_keys(connection: Connection, keys: Sequence[str]) -> int:
    return _replay(connection, _locked(_LETTERS.where(dead_letters.c.key.in_(keys)).order_by(*_ORDER)))


def replay_page(connection: Connection, reason: Reason | None, until: float) -> int:
    """Replay some of the letters written before `until`; 0 means that none is left."""
    page = _page(_LETTERS, reason, None).where(dead_letters.c.created_at <= until).limit(PAGE)
    return _replay(connection, _locked(page))


def _locked(query: Select[Any]) -> Select[Any]:
    return query.with_for_update(of=dead_letters)


def _replay(connection: Connection, query: Select[Any]) -> int:
    """Put the raw inputs back into the inbox and take away what they became, in the caller's transaction."""
    rows = connection.execute(query).all()
    if not rows:
        return 0
    free = {"enqueued_at": now(), "owner": null(), "lease_until": 0.0, "claims": 0}
    back = insert(inbox, dialect_of(connection)).values(free).on_conflict_do_nothing()
    connection.execute(
        back, [{"key": row.input_key, "digest": row.digest, "raw": row.raw, "ref": row.ref} for row in rows]
    )
    names = [{"the_key": row.key, "the_task": row.task, "the_version": row.task_version} for row in rows]
    connection.execute(_REMOVE, names)
    return len(rows)


def _page(query: Select[Any], reason: Reason | None, last: DeadLetter | None) -> Select[Any]:
    if reason is not None:
        query = query.where(dead_letters.c.reason == reason)
    if last is not None:
        end = (last.created_at, last.key, last.task, last.task_version)
        query = query.where(tuple_(*_ORDER) > tuple_(*end), dead_letters.c.created_at >= last.created_at)
    return query.order_by(*_ORDER)


def _letter(row: Row[Any], tried: Iterable[Attempt] = ()) -> DeadLetter:
    fields = row._asdict()
    return DeadLetter(**fields | {"reason": Reason(row.reason), "attempts": tuple(tried)})
