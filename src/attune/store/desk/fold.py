"""Folding: settled chats are counted and made findable a little later: settling pays nothing for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from attune.outcome import Place
from attune.store.desk import search, tally
from attune.store.desk.schema import folds
from attune.store.desk.tally import About, Count
from attune.store.outcomes import SAID, with_chats
from attune.store.schema import dialect_of, insert, last_outcome, outcomes, reviews

_NAME = "insight"
_COLUMNS = ("seq", "key", "task", "place", "user_id", "language", "channel", "model", "arm", "created_at")
_VERDICT = outcomes.c["values"].label("verdict")  # a row has values of its own
_NEXT: Select[Any] = (
    with_chats(select(*(outcomes.c[name] for name in _COLUMNS), _VERDICT, SAID, reviews.c.draft))
    .where(outcomes.c.place != Place.DEAD)
    .order_by(outcomes.c.seq)
)


def fold(connection: Connection, most: int) -> int:
    """Count the next chats in and make them findable; how far behind it still is.

    A dead letter is neither: it can be replayed, and then was never there.
    """
    position, last = _places(connection)
    until = min(last, position + most)
    if until > position:
        rows = connection.execute(_NEXT.where(outcomes.c.seq > position, outcomes.c.seq <= until)).all()
        _count(connection, rows)
        search.add(connection, [(row.seq, _said(row), _facts(row)) for row in rows])
        connection.execute(update(folds).where(folds.c.name == _NAME).values(position=until))
    return last - until


def behind(connection: Connection) -> int:
    """How many chats are settled and not folded in."""
    position = select(folds.c.position).where(folds.c.name == _NAME)
    done: int = connection.execute(position).scalar() or 0
    return int(connection.execute(select(last_outcome.c.seq)).scalar_one()) - done


def _places(connection: Connection) -> tuple[int, int]:
    first = insert(folds, dialect_of(connection)).values(name=_NAME, position=0)
    connection.execute(first.on_conflict_do_nothing())
    position = select(folds.c.position).where(folds.c.name == _NAME).with_for_update()
    done: int = connection.execute(position).scalar_one()
    # Numbers are committed in their order: whoever sees the last sees all before it.
    return done, connection.execute(select(last_outcome.c.seq)).scalar_one()


def _count(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    hour = tally.SPANS["hour"]
    groups: Counter[tuple[About, str, int]] = Counter(
        (_about(row), _sentiment(row), int(row.created_at // hour) * hour) for row in rows
    )
    tally.add_all(
        connection, [(about, Count("chat", value, at, n)) for (about, value, at), n in groups.items()]
    )


def _about(row: Row[Any]) -> About:
    return About(row.task, row.language or "", row.channel or "", row.model, row.arm)


def _sentiment(row: Row[Any]) -> str:
    """The verdict that is counted: the field `sentiment`; "" for a task without one."""
    value = row.verdict.get("sentiment")
    return "" if value is None else str(value)


def _facts(row: Row[Any]) -> dict[str, str]:
    names = ("language", "channel", "place", "model", "arm", "user_id")
    facts = {name: getattr(row, name) for name in names}
    return {name: value for name, value in facts.items() if value} | {"sentiment": _sentiment(row)}


def _said(row: Row[Any]) -> str:
    """Ids, the verdict's texts, and where the chat is kept its words and the draft."""
    texts = [row.key, row.user_id or "", *(str(value) for value in row.verdict.values())]
    if row.chat is not None:
        texts += [row.chat.get("subject") or "", *(turn["text"] for turn in row.chat.get("turns", ()))]
        texts.append(row.draft or "")
    return "\n".join(texts)
