"""Settling: each input's outcome is written once, whole and for good, as the input leaves the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from attune.outcome import Outcome, Place, Reason
from attune.store import inbox
from attune.store.desk.sorts import count, sort_of
from attune.store.input import Item
from attune.store.outcomes import columns_of
from attune.store.schema import (
    attempts,
    chats,
    dead_letters,
    dialect_of,
    insert,
    last_outcome,
    now,
    outcomes,
    reviews,
)

Pair = tuple[Item, Outcome]
Rows = dict[tuple[str, ...], dict[str, Any]]
OPEN = "open"

_REVIEW = reviews.insert().values(status=OPEN, created_at=now())
_DEAD = dead_letters.insert().values(created_at=now())
_ATTEMPT = attempts.insert()
_CHAT = chats.insert()
_NUMBERS = update(last_outcome).values(seq=last_outcome.c.seq + bindparam("n")).returning(last_outcome.c.seq)
_DIGEST = select(outcomes.c.digest).where(
    outcomes.c.key == bindparam("key"),
    outcomes.c.task == bindparam("task"),
    outcomes.c.task_version == bindparam("task_version"),
)


def settle(connection: Connection, pairs: Sequence[Pair], keep_chats: bool = True) -> None:
    """Write each outcome with all its rows, unless there is one, and take the inputs out of the inbox.

    Without `keep_chats` what was said in the chats of table rows is left out.
    """
    if not pairs:
        return
    beaten = _write(connection, pairs, keep_chats)
    while beaten:
        # Two chats with one id, in hands that could not know of each other: the later is a dead letter.
        beaten = _write(connection, [_second(*pair) for pair in beaten], keep_chats)
    inbox.remove(connection, [item.id for item, _ in pairs])


def _write(connection: Connection, pairs: Sequence[Pair], keep_chats: bool) -> list[Pair]:
    """Write what has no outcome yet; return the pairs whose name another chat has used."""
    number = connection.execute(_NUMBERS, {"n": len(pairs)}).scalar_one() - len(pairs)
    rows: Rows = {}
    first: dict[tuple[str, ...], Pair] = {}
    for item, outcome in pairs:
        name = (outcome.key, outcome.task, outcome.task_version)
        if name not in first:
            first[name] = (item, outcome)
            rows[name] = columns_of(outcome) | {"digest": item.digest, "seq": number + len(first)}
    new = connection.execute(_writing(dialect_of(connection)), list(rows.values()))
    written = {tuple(row) for row in new}
    won = [pair for name, pair in first.items() if name in written]
    _write_parts(connection, won, rows)
    if kept := [_chat_row(outcome) for _, outcome in won if keep_chats and outcome.place is Place.TABLE]:
        connection.execute(_CHAT, kept)
    if len(won) == len(pairs):
        return []
    winners = {id(pair[1]) for pair in won}
    return [pair for pair in pairs if id(pair[1]) not in winners and _is_beaten(connection, *pair)]


@cache
def _writing(dialect: str) -> Any:
    new = insert(outcomes, dialect).values(created_at=now())
    return new.on_conflict_do_nothing().returning(outcomes.c.key, outcomes.c.task, outcomes.c.task_version)


def _write_parts(connection: Connection, pairs: Sequence[Pair], rows: Rows) -> None:
    """What only some outcomes have; `rows` are those of the table of outcomes, by name."""
    parts = {
        _REVIEW: [_review_row(outcome, rows) for _, outcome in pairs if outcome.place is Place.REVIEW],
        _DEAD: [_dead_row(*pair) for pair in pairs if pair[1].place is Place.DEAD],
        _ATTEMPT: [row for _, outcome in pairs if _is_telling(outcome) for row in _attempt_rows(outcome)],
    }
    for statement, written in parts.items():
        if written:
            connection.execute(statement, written)
    count(connection, map(sort_of, parts[_REVIEW]), 1)


def _is_beaten(connection: Connection, item: Item, outcome: Outcome) -> bool:
    return connection.execute(_DIGEST, _name(outcome)).scalar() != item.digest


def _second(item: Item, outcome: Outcome) -> Pair:
    """The dead letter of a chat whose id another chat has used."""
    full = f"{item.key}~{item.digest}"
    key = full if outcome.key == item.spare_key else item.spare_key
    return item, replace(
        outcome,
        place=Place.DEAD,
        key=key,
        draft=None,
        reason=Reason.DUPLICATE_ID,
        detail=f"id {item.key} came before with other words",
    )


def _name(outcome: Outcome) -> dict[str, Any]:
    return {"key": outcome.key, "task": outcome.task, "task_version": outcome.task_version}


def _chat_row(outcome: Outcome) -> dict[str, Any]:
    return _name(outcome) | {"chat": dict(outcome.chat or {})}


def _review_row(outcome: Outcome, rows: Rows) -> dict[str, Any]:
    row = rows[outcome.key, outcome.task, outcome.task_version]
    shown = {name: row[name] for name in ("user_id", "language", "channel", "model", "arm")}
    part = {"chat": dict(outcome.chat or {}), "draft": outcome.draft or "", "number": row["seq"]}
    return _name(outcome) | shown | part


def _dead_row(item: Item, outcome: Outcome) -> dict[str, Any]:
    assert outcome.reason is not None, f"{outcome.key} is a dead letter without a reason"
    return _name(outcome) | {
        "input_key": item.key,
        "raw": item.raw,
        "ref": item.ref,
        "reason": outcome.reason,
        "detail": outcome.detail,
    }


def _is_telling(outcome: Outcome) -> bool:
    """Whether the attempts say more than the verdict does."""
    return outcome.place is Place.DEAD or outcome.asked_again > 0


def _attempt_rows(outcome: Outcome) -> list[dict[str, Any]]:
    return [
        _name(outcome)
        | {
            "n": n,
            "asked": attempt.task,
            "seed": attempt.seed,
            "text": attempt.text,
            "error": attempt.error,
            "seconds": attempt.seconds,
        }
        for n, attempt in enumerate(outcome.attempts, start=1)
    ]
