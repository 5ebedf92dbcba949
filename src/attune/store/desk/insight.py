"""Insight: sums for pictures, the search, and a chat's whole way. A page reads sums, never all chats."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from attune.store.database import Database
from attune.store.desk import compare, fold, search, tally, way
from attune.store.desk.compare import Spent
from attune.store.desk.schema import tallies
from attune.store.desk.search import Found, Look
from attune.store.desk.way import Way

Measure = Literal["chat", "decision", "edit", "reason", "rating", "claim_s", "decide_s"]
Dimension = Literal["task", "language", "channel", "model", "arm"]
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Frame:
    """Which sums: from `since` to before `until`, in seconds since 1970, by whole spans; None leaves open.

    Chats and ratings count when the chat was settled, decisions and waiting times when it was decided.
    """

    since: float
    until: float
    span: Literal["hour", "day"] = "day"
    task: str | None = None
    language: str | None = None
    channel: str | None = None
    model: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """`n` times `value`, in the span that begins at `group` or of the language, channel, … `group`.

    `value` is the sentiment, the decision's kind, for an edit how much was changed (attune.desk.score), the
    reason, the stars, the bucket of a time; `total` is, for decisions, how many words were changed.
    """

    group: Any
    value: str
    n: int
    total: float


class Insight:
    """Figures about all chats of a store, as far as they are folded in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fold(self, budget_s: float = 1.0) -> int:
        """Count in and make findable what was settled since, for about so long; how many chats are left.

        Any process may do it at any time, in short transactions; one does at once.
        """
        until = time.monotonic() + budget_s
        while left := self._database.write(partial(fold.fold, most=_AT_ONCE), durable=False):
            if time.monotonic() >= until:
                break
        return left

    def behind(self) -> int:
        """How many settled chats are not in the figures yet."""
        return self._database.read(fold.behind)

    def over_time(self, measure: Measure, frame: Frame) -> tuple[Sum, ...]:
        """The sums of each span, in its order; a span in which nothing was is not there."""
        return self._database.read(partial(_sums, group=tallies.c.start, measure=measure, frame=frame))

    def by(self, dimension: Dimension, measure: Measure, frame: Frame) -> tuple[Sum, ...]:
        """The sums by language, channel, model, arm or task; "" where it is not known."""
        return self._database.read(partial(_sums, group=tallies.c[dimension], measure=measure, frame=frame))

    def waiting_s(
        self, measure: Literal["claim_s", "decide_s"], frame: Frame, percents: Sequence[int] = (50, 90)
    ) -> Mapping[int, float]:
        """Percentiles of the seconds from the draft to the first claim, or to the decision; empty without
        any. Times are kept in buckets: a percentile is at most 5 % off."""
        return self._database.read(
            partial(_percentiles, measure=measure, frame=frame, percents=tuple(percents))
        )

    def arms(self) -> Mapping[str, int]:
        """The arms with a decided review, the oldest first, and the day of it, in seconds since 1970."""
        return self._database.read(compare.first_days)

    def spent(self, frame: Frame) -> Mapping[str, Spent]:
        """What each arm's chats took, from the frame's beginning to its end. Reads every one of them."""
        return self._database.read(partial(compare.spent, since=frame.since, until=frame.until))

    def hours(self, frame: Frame) -> int:
        """In how many hours of the frame's time a chat was settled."""
        return self._database.read(partial(compare.hours, since=frame.since, until=frame.until))

    def search(self, look: Look, before: int | None = None, limit: int = 50) -> tuple[Found, ...]:
        """Chats with all of the words, newest first; the next page is `before` the number of the last.

        Found are ids, the texts of the verdict, and for review items what was said and the draft; case and
        accents do not count, parts of Korean, Japanese, Chinese and Thai words do, and beginnings of others.
        """
        return self._database.read(partial(search.search, look=look, before=before, limit=limit))

    def way(self, number: int) -> Way:
        """All that the store knows of a chat. Raises Unknown."""
        return self._database.read(partial(way.way, number=number))


def _sums(connection: Connection, group: Any, measure: str, frame: Frame) -> tuple[Sum, ...]:
    columns = (group, tallies.c.value, func.sum(tallies.c.n), func.sum(tallies.c.total))
    query = select(*columns).where(*_within(measure, frame)).group_by(group, tallies.c.value)
    rows = connection.execute(query.order_by(group, tallies.c.value))
    return tuple(Sum(key, value, int(n), float(total)) for key, value, n, total in rows if n)


def _percentiles(
    connection: Connection, measure: str, frame: Frame, percents: Sequence[int]
) -> dict[int, float]:
    query = select(tallies.c.value, func.sum(tallies.c.n)).where(*_within(measure, frame))
    rows = connection.execute(query.group_by(tallies.c.value)).all()
    counts = sorted((int(value), int(n)) for value, n in rows if n)
    total = sum(n for _, n in counts)
    return {percent: _nearest(counts, total * percent / 100) for percent in percents if total}


def _nearest(counts: Sequence[tuple[int, int]], rank: float) -> float:
    seen = 0
    for bucket, n in counts:
        seen += n
        if seen >= rank:
            return tally.middle(str(bucket))
    return tally.middle(str(counts[-1][0]))


def _within(measure: str, frame: Frame) -> list[Any]:
    width = tally.SPANS[frame.span]
    since, until = int(frame.since // width) * width, frame.until
    conditions = [tallies.c.span == frame.span, tallies.c.measure == measure]
    conditions += [tallies.c.start >= since, tallies.c.start < until]
    for name in ("task", "language", "channel", "model", "arm"):
        if (value := getattr(frame, name)) is not None:
            conditions.append(tallies.c[name] == value)
    return conditions
