"""What people made of an arm's drafts: shares, sizes and stars with their intervals, from sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attune.compare.mean import Estimate, mean, percentile, share
from attune.compare.stakes import Array
from attune.desk.score import STEPS
from attune.store.desk import tally
from attune.store.desk.insight import Frame, Insight, Measure, Sum

BINS = STEPS + 1
_STARS = 5


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An arm's drafts that a person decided. Shares are from 0 to 1."""

    arm: str
    decided: int
    score: Estimate
    """1 for a draft that was sent as it is, 0 for one that was rejected, and between them what an edit let
    stand: what arms are compared by."""
    accepted: Estimate
    edited: Estimate
    rejected: Estimate
    reasons: Mapping[str, Estimate]
    """How many of all drafts were rejected for each reason, the most frequent first."""
    changed: Estimate
    """How much of a draft an edit changed."""
    stars: Estimate
    """People's ratings, 1 to 5."""
    waited_s: Estimate
    """Half are decided within so many seconds of the draft."""


def reviewed(insight: Insight, frame: Frame) -> dict[str, Reviewed]:
    """What became of each arm's drafts. Each figure's interval holds at all times; that one of so many is
    outside its interval is likelier than that a single one is."""
    measures: Sequence[Measure] = ("decision", "edit", "reason", "rating", "decide_s")
    of = {measure: _by_arm(insight.by("arm", measure, frame)) for measure in measures}
    return {
        arm: _reviewed(arm, {name: each.get(arm, {}) for name, each in of.items()}) for arm in of["decision"]
    }


def scores(decisions: Mapping[str, int], edits: Mapping[str, int]) -> Array:
    """How many drafts had each score, from kinds of decisions and sizes of edits."""
    counts = np.zeros(BINS)
    counts[STEPS], counts[0] = decisions.get("approved", 0), decisions.get("rejected", 0)
    for changed, n in edits.items():
        counts[STEPS - int(changed)] += n
    return counts


def _reviewed(arm: str, of: Mapping[str, Mapping[str, int]]) -> Reviewed:
    kinds, edits = of["decision"], of["edit"]
    decided = sum(kinds.values())
    reasons = sorted(of["reason"].items(), key=lambda each: (-each[1], each[0]))
    times = sorted((int(bucket), n) for bucket, n in of["decide_s"].items())
    return Reviewed(
        arm,
        decided,
        score=mean(scores(kinds, edits)),
        accepted=share(kinds.get("approved", 0), decided),
        edited=share(kinds.get("edited", 0), decided),
        rejected=share(kinds.get("rejected", 0), decided),
        reasons={reason: share(n, decided) for reason, n in reasons},
        changed=mean([edits.get(str(changed), 0) for changed in range(BINS)]),
        stars=_stars([of["rating"].get(str(1 + stars), 0) for stars in range(_STARS)]),
        waited_s=percentile(
            np.array([tally.middle(str(bucket)) for bucket, _ in times]),
            np.array([n for _, n in times], dtype=float),
            50,
        ),
    )


def _stars(counts: Sequence[int]) -> Estimate:
    found = mean(counts).times(_STARS - 1)
    return Estimate(None if found.value is None else 1 + found.value, 1 + found.low, 1 + found.high, found.n)


def _by_arm(sums: Sequence[Sum]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for each in sums:
        if each.group:
            found.setdefault(each.group, {})[each.value] = each.n
    return found
