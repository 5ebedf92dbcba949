"""The axis of a picture: a scale with a few round ticks, and where a value stands on it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from `low` to `high` with a few round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float | None) -> float:
        """Where a value stands, 0 to 100; what lies beyond an end stands there."""
        share = ((value or 0.0) - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)


def around_zero(ends: Iterable[float | None], half: bool = False) -> Axis:
    """As far to the left of 0 as to the right, or to the right alone, with round ticks."""
    most = max([1.0, *(abs(each) for each in ends if each is not None)])
    step = rounded(most / 2)
    high = step * math.ceil(most / step - 1e-9)
    count = round(high / step)
    ticks = tuple(step * number for number in range(0 if half else -count, count + 1))
    return Axis(0.0 if half else -high, high, ticks)


def rounded(value: float, up: bool = False) -> float:
    """A round number (1, 2 or 5 times a power of ten) near `value`, never above it unless `up`."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    steps = [factor * power for factor in (1, 2, 5, 10)]
    return next(each for each in steps if each >= value) if up else [s for s in steps if s <= value][-1]
