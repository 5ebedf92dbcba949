"""Sums by hour and by day, written with what they sum up, so that a picture reads a few rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection

from attune.store.desk.schema import tallies
from attune.store.schema import dialect_of, insert

SPANS = {"hour": 3600, "day": 86_400}
"""The spans that sums are kept for, in seconds; days are those of UTC."""
STEP = 1.1
"""Each bucket of times reaches so many times as far as the one before."""
_KEY = ("span", "measure", "start", "task", "language", "channel", "model", "arm", "value")


@dataclass(frozen=True, slots=True)
class About:
    """Which chat is counted: a language or channel that is not known is ""."""

    task: str
    language: str
    channel: str
    model: str
    arm: str


@dataclass(frozen=True, slots=True)
class Count:
    """`n` more of `value` in `measure`, at `at` in seconds since 1970; `total` is summed beside."""

    measure: str
    value: str
    at: float
    n: int = 1
    total: float = 0.0


def add(connection: Connection, about: About, counts: Iterable[Count]) -> None:
    """Add to the sums of one chat."""
    add_all(connection, [(about, count) for count in counts])


def add_all(connection: Connection, counts: Iterable[tuple[About, Count]]) -> None:
    """Add to sums, in one order, so that writers never wait for each other in a circle."""
    rows = [_row(span, about, count) for about, count in counts for span in SPANS]
    rows.sort(key=lambda row: tuple(row[name] for name in _KEY))
    if rows:
        connection.execute(adding(dialect_of(connection)), rows)


@cache
def adding(dialect: str) -> Any:
    new = insert(tallies, dialect)
    more = {"n": tallies.c.n + new.excluded.n, "total": tallies.c.total + new.excluded.total}
    return new.on_conflict_do_update(index_elements=list(_KEY), set_=more)


def bucket(seconds: float) -> str:
    """The bucket of a time; `middle` says about how long those in it are, 5 % more or less."""
    return f"{math.floor(math.log(max(seconds, 0.01), STEP)):+04d}"


def middle(value: str) -> float:
    """The geometric middle of a bucket, in seconds."""
    return float(STEP ** (int(value) + 0.5))


def _row(span: str, about: About, count: Count) -> dict[str, Any]:
    return {
        "span": span,
        "start": int(count.at // SPANS[span]) * SPANS[span],
        "measure": count.measure,
        "task": about.task,
        "language": about.language,
        "channel": about.channel,
        "model": about.model,
        "arm": about.arm,
        "value": count.value,
        "n": count.n,
        "total": count.total,
    }
