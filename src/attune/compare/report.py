"""The report on arms: what people made of their drafts, what they cost, and which is better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from attune.compare.mean import ALPHA, Estimate, percentile, unbounded
from attune.compare.reviewed import Reviewed, reviewed
from attune.compare.verdict import Verdict, verdict
from attune.store import Store
from attune.store.desk.compare import Amount, Spent
from attune.store.desk.insight import Frame


@dataclass(frozen=True, slots=True)
class Cost:
    """What an arm's chats took. Seconds are from start to outcome, while other chats were read too."""

    chats: int
    dead: int
    p50_s: Estimate
    p99_s: Estimate
    seconds: Estimate
    prompt_tokens: Estimate
    output_tokens: Estimate
    price: Estimate | None
    """Of a thousand chats, in the currency in which an hour was priced; None where none was given."""


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the arms of a store from `since` on, in seconds since 1970."""

    since: float
    until: float
    arms: tuple[str, ...]
    reviewed: Mapping[str, Reviewed]
    """Of the arms that have a decided review."""
    costs: Mapping[str, Cost]
    """Of the arms that have a chat."""
    verdicts: tuple[Verdict, ...]
    """Each other arm beside the first."""

    def to_json(self) -> dict[str, Any]:
        """All figures; ends of intervals that nothing is known of are null."""
        return {
            "since": self.since,
            "until": self.until,
            "arms": list(self.arms),
            "reviewed": {name: _finite(asdict(each)) for name, each in self.reviewed.items()},
            "costs": {name: _finite(asdict(each)) for name, each in self.costs.items()},
            "verdicts": [_verdict(each) for each in self.verdicts],
        }


def compared(store: Store) -> tuple[str, ...]:
    """The arms that serve, the oldest first: what the others are compared with. Where the store has no split
    (Beam has its own), those that have a decided review."""
    seen, live = store.insight.arms(), store.arms.live()
    if live is None:
        return tuple(seen)
    names = [arm.name for arm in live.arms]
    return tuple(sorted(names, key=lambda name: (seen.get(name, math.inf), names.index(name))))


def report(
    store: Store, arms: Sequence[str], until: float, since: float | None = None, an_hour: float | None = None
) -> Report:
    """The report on `arms`, the first of which the others are compared with.

    Figures are from `since` on, or from the day on which all serve; verdicts are of all reviews since both
    arms do. `an_hour` is what an hour costs in which chats are read: the arms share it by the seconds that
    their chats took.
    """
    verdicts = tuple(verdict(store, arms[0], name, until, ALPHA / (len(arms) - 1)) for name in arms[1:])
    if since is None:
        since = max((each.since for each in verdicts), default=0)
    frame = Frame(since, until)
    people, spent = reviewed(store.insight, frame), store.insight.spent(frame)
    rate = None if an_hour is None else an_hour * store.insight.hours(frame) / _seconds(spent)
    return Report(
        since,
        until,
        tuple(arms),
        {name: people[name] for name in arms if name in people},
        {name: _cost(spent[name], rate) for name in arms if name in spent},
        verdicts,
    )


def _seconds(spent: Mapping[str, Spent]) -> float:
    return sum(each.seconds.total for each in spent.values()) or 1.0


def _cost(spent: Spent, rate: float | None) -> Cost:
    ordered = np.array(list(spent.milliseconds), dtype=float) / 1000
    counts = np.array(list(spent.milliseconds.values()), dtype=float)
    seconds = _each(spent, spent.seconds)
    return Cost(
        spent.chats,
        spent.dead,
        percentile(ordered, counts, 50),
        percentile(ordered, counts, 99),
        seconds,
        _each(spent, spent.prompt_tokens),
        _each(spent, spent.output_tokens),
        None if rate is None else seconds.times(1000 * rate),
    )


def _each(spent: Spent, amount: Amount) -> Estimate:
    return unbounded(spent.chats, amount.total, amount.squares)


def _verdict(found: Verdict) -> dict[str, Any]:
    difference = found.difference
    told = {"better": difference.better, "worse": difference.worse, "sentence": found.sentence}
    return {"base": found.base, "arm": found.arm, "since": found.since, **asdict(difference), **told}


def _finite(found: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(found, dict):
        return {name: _finite(each) for name, each in found.items()}
    return None if isinstance(found, float) and not math.isfinite(found) else found
