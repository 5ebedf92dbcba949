"""The time that pictures are of: read from the address, cut into the spans that a picture shows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

RANGES = (("1", "Last 24 hours"), ("7", "Last 7 days"), ("30", "Last 30 days"), ("90", "Last 90 days"),
          ("365", "Last year"))  # fmt: skip
_USUAL = 30
_MOST_BINS = 93
DAY_S = 86_400
_WIDTHS = {"hour": 3600, "day": DAY_S}


@dataclass(frozen=True, slots=True)
class Range:
    """From `since` to before `until`, in seconds since 1970: whole hours or days of UTC."""

    since: int
    until: int
    chosen: str
    """One of RANGES; "" for days of one's own."""

    @property
    def span(self) -> Literal["hour", "day"]:
        return "hour" if self.until - self.since <= 3 * DAY_S else "day"

    @property
    def bin_s(self) -> int:
        """How much time a bar stands for: a year has a bar for some days."""
        width = _WIDTHS[self.span]
        return width * math.ceil((self.until - self.since) / width / _MOST_BINS)

    def bins(self) -> Iterator[tuple[int, str]]:
        """When each bar begins, and how that is said."""
        for start in range(self.since, self.until, self.bin_s):
            yield start, self._said(start)

    def bin_of(self, start: int) -> int:
        """The number of the bar that a sum of the span from `start` on belongs to."""
        return (start - self.since) // self.bin_s

    @property
    def first(self) -> str:
        """The first day, as a field of dates has it."""
        return _date(self.since)

    @property
    def last(self) -> str:
        return _date(self.until - 1)

    @property
    def each(self) -> str:
        """What a bar stands for, in words."""
        count = self.bin_s // _WIDTHS[self.span]
        return f"one {self.span}" if count == 1 else f"{count} {self.span}s"

    def _said(self, start: int) -> str:
        moment = datetime.fromtimestamp(start, UTC)
        if self.span == "hour":
            return f"{moment:%d %b, %H:00}"
        first = f"{moment.day} {moment:%b}"
        last = moment + timedelta(seconds=min(self.bin_s, self.until - start) - 1)
        return first if self.bin_s == DAY_S else f"{first} to {last.day} {last:%b}"


def range_of(chosen: str, first: str, last: str, now: float) -> Range:
    """The range that an address asks for: days from `first` to `last`, or the last so many; what is no
    range is the usual one."""
    since, until = moment(first), moment(last)
    if since is not None and until is not None and since <= until:
        return Range(since, until + DAY_S, "")
    known = {days for days, _ in RANGES}
    days = int(chosen) if chosen in known else _USUAL
    width = 3600 if days == 1 else DAY_S
    end = int(now // width + 1) * width
    return Range(end - days * DAY_S, end, str(days))


def moment(date: str) -> int | None:
    """When a day like 2026-11-05 begins, in seconds since 1970; None for what is no day of 1970 to 9998."""
    try:
        day = datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(day.timestamp()) if 1970 <= day.year <= 9998 else None


def _date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
