"""The sorts of open items, and how many there are of each: counted as items open and close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, select

from attune.store.schema import dialect_of, insert, open_items


@dataclass(frozen=True, slots=True)
class Sort:
    """What an item can be chosen by; "" is a language or channel that is not known."""

    language: str
    channel: str
    model: str
    arm: str


NAMES = tuple(field.name for field in fields(Sort))


@dataclass(frozen=True, slots=True)
class Sorts:
    """What open items can be chosen by."""

    languages: tuple[str, ...]
    channels: tuple[str, ...]
    models: tuple[str, ...]
    arms: tuple[str, ...]


def sort_of(row: Mapping[str, Any]) -> Sort:
    """The sort of a row of reviews."""
    return Sort(*(row[name] or "" for name in NAMES))


def count(connection: Connection, sorts: Iterable[Sort], n: int) -> None:
    """Count items of these sorts in (1) or out (-1), in one order: no two writers wait in a circle."""
    sums = Counter(astuple(each) for each in sorts)
    rows = [dict(zip(NAMES, sort, strict=True), n=n * items) for sort, items in sorted(sums.items())]
    if rows:
        connection.execute(_adding(dialect_of(connection)), rows)


def sorts(connection: Connection) -> Sorts:
    """Of what languages, channels, models and arms there are open items."""
    there = connection.execute(select(*(open_items.c[name] for name in NAMES)).where(open_items.c.n > 0))
    columns = list(zip(*there.all(), strict=True)) or [()] * len(NAMES)
    return Sorts(*(tuple(sorted({*column} - {""})) for column in columns))


@cache
def _adding(dialect: str) -> Any:
    new = insert(open_items, dialect)
    return new.on_conflict_do_update(index_elements=list(NAMES), set_={"n": open_items.c.n + new.excluded.n})
