"""The pictures of arms: what became of each one's drafts, and whether another is better than the oldest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from attune.compare.mean import ALPHA
from attune.compare.report import compared
from attune.compare.reviewed import Reviewed, reviewed
from attune.compare.verdict import Verdict, verdict
from attune.compare.wording import number, percent
from attune.pages import words
from attune.pages.insight_figures import KINDS, Asking
from attune.pages.insight_picture import Picture, Row, Series
from attune.store import Store

_NOTES = (
    "Share as drafted",
    "Share edited",
    "Changed by an edit",
    "Rejected for",
    "Rating",
    "Half decided within",
    "Score",
)
_DAYS = 20
"""So many days of a difference are drawn at most."""
_MOST_REASONS = 3


def arms(asking: Asking) -> Picture:
    """How the drafts of each arm fared; without rows where none has an arm."""
    found = reviewed(asking.insight, asking.frame)
    rows = tuple(_row(each) for each in sorted(found.values(), key=lambda each: (-each.decided, each.arm)))
    told = "What became of each arm's drafts, with intervals that hold however often one looks."
    return Picture("arms", "Arms", told, "Arm", tuple(KINDS.values()), rows, "bars", _NOTES)


def differences(store: Store, now: float) -> Iterator[Picture]:
    """Each arm that serves beside the oldest of them: how sure its difference became from day to day."""
    base, *others = compared(store) or ("",)
    for place, arm in enumerate(others):
        found = verdict(store, base, arm, now, ALPHA / len(others))
        if found.difference.value is not None:
            yield _difference(found, place)


def _row(each: Reviewed) -> Row:
    shares = (each.accepted, each.edited, each.rejected)
    reasons = [f"{name} {percent(found)}" for name, found in each.reasons.items()]
    notes = (
        percent(each.accepted),
        percent(each.edited),
        percent(each.changed),
        "; ".join(reasons[:_MOST_REASONS]) or "–",
        number(each.stars),
        words.span(each.waited_s.value or 0.0),
        number(each.score.times(100)),
    )
    return Row(each.arm, tuple(round(each.decided * (found.value or 0.0)) for found in shares), notes)


def _difference(found: Verdict, place: int) -> Picture:
    days = found.days(_DAYS)
    rows = []
    for day, *ends in zip(days, *found.over_time(days), strict=True):
        value, low, high = (100 * float(each) for each in ends)
        if not math.isnan(value):
            moment = datetime.fromtimestamp(found.since + 86_400 * int(day), UTC)
            notes = (f"{value:+.1f}", f"{low:+.1f} to {high:+.1f}")
            rows.append(Row(f"{moment.day} {moment:%b}", (value, low, high), notes))
    since = datetime.fromtimestamp(found.since, UTC)
    told = (
        f"{found.sentence} Of all {found.difference.reviews:,} reviews decided since {since.day} {since:%b}."
    )
    series = (Series("Difference", "accent"), Series("Lower end", "band"), Series("Upper end", "band"))
    title = f"{found.arm} beside {found.base}"
    name = f"difference-{place}"
    return Picture(name, title, told, "Day", series, tuple(rows), "band", ("Points of 100", "Between"))
