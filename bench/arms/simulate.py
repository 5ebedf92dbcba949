"""Scripted reviews of two arms, looked at by the report's comparison and by a z-test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from tests.compare.reviews import BINS, PLAIN, better, first, stream, taste

from attune.compare.difference import calls
from attune.compare.stakes import Array, Truth, values

REVIEWS, EACH, DAY = 2000, 20, 40
_Z, _POWER_Z = 1.96, 0.8416
_LIKED = taste(0.95, 0.02)


@dataclass(frozen=True, slots=True)
class Case:
    """Two arms, of which B has the share `weight` of the reviews and a mean score that is `by` higher."""

    weight: float
    by: float
    runs: int
    liked: bool = False
    """Whether nearly all drafts of both are sent as they are."""

    @property
    def arms(self) -> tuple[Array, Array]:
        return (_LIKED, _LIKED) if self.liked else (PLAIN, better(self.by))


@dataclass(frozen=True, slots=True)
class Found:
    """After how many reviews of each run an arm was called, infinite where none was, by the report and by the
    daily z-test; and in which share of the runs it was called wrongly."""

    case: Case
    ours: list[float]
    theirs: list[float]
    wrong: float
    z_wrong: float

    @property
    def found(self) -> float:
        return float(np.isfinite(self.ours).mean())

    @property
    def median(self) -> float:
        return float(np.median(self.ours))


def simulate(case: Case) -> Found:
    """Many runs of one case."""
    drawn = np.random.default_rng(8)
    ours, theirs, wrong, z_wrong = list[float](), list[float](), 0, 0
    for _ in range(case.runs):
        a, b = stream(*case.arms, case.weight, REVIEWS, EACH, drawn)
        (up, down), (z_up, z_down) = calls(a, b), peeked(a, b)
        ours.append(first(up if case.by else up | down, EACH))
        theirs.append(first(z_up if case.by else z_up | z_down, DAY))
        wrong += bool(down.any() or (not case.by and up.any()))
        z_wrong += bool(z_down.any() or (not case.by and z_up.any()))
    return Found(case, ours, theirs, wrong / case.runs, z_wrong / case.runs)


def peeked(a: Array, b: Array) -> tuple[Truth, Truth]:
    """Whether a z-test of two means finds B better, and worse, after each day."""
    points = values(BINS)
    days = slice(DAY // EACH - 1, None, DAY // EACH)
    n = [np.cumsum(each.sum(1))[days] for each in (a, b)]
    means = [np.cumsum(each @ points)[days] / np.maximum(1, k) for each, k in zip((a, b), n, strict=True)]
    squares = [
        np.cumsum(each @ points**2)[days] / np.maximum(1, k) for each, k in zip((a, b), n, strict=True)
    ]
    variances = [
        (square - mean**2) / np.maximum(1, k) for square, mean, k in zip(squares, means, n, strict=True)
    ]
    z = (means[1] - means[0]) / np.sqrt(np.maximum(sum(variances), 1e-12))
    enough = np.minimum(*n) >= 2
    return enough & (z > _Z), enough & (z < -_Z)


def fixed(a: Array, b: Array, weight: float) -> int:
    """The reviews that a two-sided z-test at 5 % with a power of 80 % needs, looked at once."""
    points = values(BINS)
    variance = [float(each @ points**2 - (each @ points) ** 2) for each in (a, b)]
    spread = variance[0] / (1 - weight) + variance[1] / weight
    return math.ceil(spread * ((_Z + _POWER_Z) / float((b - a) @ points)) ** 2)
