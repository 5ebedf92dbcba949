"""How figures of arms are written for people: with their intervals, a dash where there is nothing to say."""

from __future__ import annotations

import math

from attune.compare.mean import Estimate


def percent(found: Estimate) -> str:
    """A share: "54 % (48–60)"."""
    return number(found.times(100), 0, " %")


def number(found: Estimate, digits: int = 1, unit: str = "") -> str:
    """A number with its unit and its interval; an end that nothing is known of is a dash."""
    if found.value is None:
        return "–"
    low, high = (f"{end:,.{digits}f}" if math.isfinite(end) else "…" for end in (found.low, found.high))
    return f"{found.value:,.{digits}f}{unit} ({low}–{high})"
