"""What arms cost: time and tokens of every chat, by arm, read from the outcomes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Double, Integer, cast, func, select

from attune.outcome import Place
from attune.store.desk.schema import tallies
from attune.store.schema import outcomes


@dataclass(frozen=True, slots=True)
class Amount:
    """Of so many chats: the sum of something and the sum of its squares."""

    total: float
    squares: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What the chats of an arm took: seconds from start to outcome, tokens read, tokens written."""

    chats: int
    dead: int
    seconds: Amount
    prompt_tokens: Amount
    output_tokens: Amount
    milliseconds: Mapping[int, int]
    """How many chats took so long, the shortest time first."""


def spent(connection: Connection, since: float, until: float) -> dict[str, Spent]:
    """What each arm's chats took that were settled from `since` to before `until`; none of chats without an
    arm. It reads every one of them: a second or two for a million."""
    taken = [cast(outcomes.c[name], Double) for name in ("total_s", "prompt_tokens", "output_tokens")]
    sums = [func.sum(each) for one in taken for each in (one, one * one)]
    dead = func.count().filter(outcomes.c.place == Place.DEAD)
    which = (outcomes.c.created_at >= since, outcomes.c.created_at < until, outcomes.c.arm != "")
    millisecond = cast(outcomes.c.total_s * 1000, Integer)
    long = (
        select(outcomes.c.arm, millisecond, func.count()).where(*which).group_by(outcomes.c.arm, millisecond)
    )
    times: dict[str, dict[int, int]] = {}
    for arm, at, n in connection.execute(long.order_by(millisecond)):
        times.setdefault(arm, {})[at] = n
    query = select(outcomes.c.arm, func.count(), dead, *sums).where(*which).group_by(outcomes.c.arm)
    return {
        arm: Spent(n, lost, Amount(*found[:2]), Amount(*found[2:4]), Amount(*found[4:]), times[arm])
        for arm, n, lost, *found in connection.execute(query)
    }


def hours(connection: Connection, since: float, until: float) -> int:
    """In how many hours of that time a chat was settled."""
    which = (outcomes.c.created_at >= since, outcomes.c.created_at < until)
    hour = cast(outcomes.c.created_at / 3600, Integer)
    return int(connection.execute(select(func.count(hour.distinct())).where(*which)).scalar_one())


def first_days(connection: Connection) -> dict[str, int]:
    """The day of each arm's first decided review, in seconds since 1970, the oldest arm first."""
    first = func.min(tallies.c.start)
    which = (tallies.c.span == "day", tallies.c.measure == "decision", tallies.c.arm != "", tallies.c.n > 0)
    query = select(tallies.c.arm, first).where(*which).group_by(tallies.c.arm).order_by(first, tallies.c.arm)
    return {arm: int(day) for arm, day in connection.execute(query)}
