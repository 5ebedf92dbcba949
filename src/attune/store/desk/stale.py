"""Whether a chat moved on after its draft was written."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, exists, literal, select

from attune.desk.refusal import StaleReason
from attune.outcome import Reason
from attune.store.schema import dead_letters, inbox, outcomes, reviews


def reasons(connection: Connection, item: Row[Any]) -> tuple[StaleReason, ...]:
    """Why the draft of `item`, a row of reviews with its outcome's digest, may be out of date.

    A later chat of the same customer; the same id with other words, settled (a dead letter under
    `id~hash`) or waiting in the queue; the same chat read again by a newer version of its task; a reply to
    another version's draft that was approved.
    """
    found = connection.execute(
        select(
            _newer_chat(item).label(StaleReason.NEWER_CHAT),
            _other_words(item).label(StaleReason.OTHER_WORDS),
            _read_again(item).label(StaleReason.READ_AGAIN),
            _answered(item).label(StaleReason.ANSWERED),
        )
    ).one()
    return tuple(reason for reason, holds in zip(StaleReason, found, strict=True) if holds)


def _newer_chat(item: Row[Any]) -> Any:
    if item.user_id is None:
        return literal(False)
    later = (outcomes.c.user_id == item.user_id, outcomes.c.seq > item.number)
    return exists().where(*later, outcomes.c.key != item.key)


def _other_words(item: Row[Any]) -> Any:
    settled = exists().where(
        dead_letters.c.input_key == item.key,
        dead_letters.c.reason == Reason.DUPLICATE_ID,
        dead_letters.c.created_at >= item.created_at,
    )
    waiting = exists().where(inbox.c.key == item.key, inbox.c.digest != item.digest)
    return settled | waiting


def _read_again(item: Row[Any]) -> Any:
    same = (outcomes.c.key == item.key, outcomes.c.task == item.task)
    return exists().where(*same, outcomes.c.task_version != item.task_version, outcomes.c.seq > item.number)


def _answered(item: Row[Any]) -> Any:
    return exists().where(
        reviews.c.key == item.key, reviews.c.status == "approved", reviews.c.number != item.number
    )
