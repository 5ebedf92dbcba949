"""The verdict on two arms: better, worse, or not known yet, of all reviews since both of them serve."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from attune.compare.difference import Difference, compare, intervals
from attune.compare.mean import ALPHA
from attune.compare.reviewed import BINS, scores
from attune.compare.stakes import Array, Whole, values
from attune.store import Store
from attune.store.arms import Change
from attune.store.desk.insight import Frame, Insight
from attune.store.desk.tally import SPANS

_DAY = SPANS["day"]


@dataclass(frozen=True)
class Verdict:
    """How an arm's drafts fare beside the base's: `difference` is of their mean scores."""

    base: str
    arm: str
    since: int
    """The first day that counts, in seconds since 1970."""
    difference: Difference
    alpha: float
    base_days: Array
    arm_days: Array
    """How many drafts had each score on each day, shape (days, scores)."""

    @property
    def sentence(self) -> str:
        found = self.difference
        if found.value is None:
            return f"Not known yet: {self.arm} and {self.base} need a decided review each."
        points = f"{_points(found.value)} points of 100 ({_points(found.low)} to {_points(found.high)})"
        told = f"its drafts score {points}"
        if found.better or found.worse:
            return f"{self.arm} is {'better' if found.better else 'worse'} than {self.base}: {told}."
        if found.more is None:
            return f"Not known yet, so alike are {self.arm} and {self.base} so far: {told}."
        return f"Not known yet: about {_about(found.more)} more reviews if they go on as so far; {told}."

    def days(self, most: int) -> Whole:
        """Days to look at the difference on, at most so many and the last one among them."""
        every = len(self.base_days)
        return np.unique(np.linspace(0, every - 1, min(most, every)).round().astype(int))

    def over_time(self, days: Whole) -> tuple[Array, Array, Array]:
        """The difference after each of `days`, nan while an arm has no review, and its interval's ends."""
        low, high = intervals(self.base_days, self.arm_days, days, self.alpha)
        base, arm = (np.cumsum(each, 0)[days] for each in (self.base_days, self.arm_days))
        with np.errstate(invalid="ignore"):
            means = [each @ values(BINS) / each.sum(1) for each in (base, arm)]
        return means[1] - means[0], low, high


def verdict(store: Store, base: str, arm: str, now: float, alpha: float = ALPHA) -> Verdict:
    """How `arm` fares beside `base`, whatever its reviews' language, channel and model: a call for each of
    many cuts would be wrong too often. Give `alpha` divided by the number of arms that are compared."""
    since = _since(store, base, arm, now)
    ours, theirs = (_days(store.insight, Frame(since, now, arm=name)) for name in (base, arm))
    return Verdict(base, arm, since, compare(ours, theirs, alpha), alpha, ours, theirs)


def _since(store: Store, base: str, arm: str, now: float) -> int:
    """The day since which both serve as they are: what one was worth before the other came says nothing."""
    first = store.insight.arms()
    days = [first[name] for name in (base, arm) if name in first]
    at = max([*days, both_since(store.arms.history(), base, arm)])
    return int((at or now) // _DAY) * _DAY


def both_since(history: Iterable[Change], *names: str) -> float:
    """When the change was made since which the arms are the same but for their weights; 0 for never."""
    at, same = 0.0, None
    for change in history:
        found = {each.name: replace(each, weight=1.0) for each in change.split.arms if each.name in names}
        if len(found) == len(names) and same in (None, found):
            at, same = change.at, found
        elif same:
            break
    return at


def _days(insight: Insight, frame: Frame) -> Array:
    days = np.zeros((int((frame.until - frame.since) // _DAY) + 1, BINS))
    found: dict[int, dict[str, dict[str, int]]] = {}
    for measure in ("decision", "edit"):
        for each in insight.over_time(measure, frame):
            found.setdefault(each.group, {}).setdefault(measure, {})[each.value] = each.n
    for start, of in found.items():
        days[int(start - frame.since) // _DAY] = scores(of.get("decision", {}), of.get("edit", {}))
    return days


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _about(reviews: int) -> str:
    """Two digits of a number: more would be more than is known."""
    power = 10 ** max(0, len(str(reviews)) - 2)
    return f"{-(-reviews // power) * power:,}"
