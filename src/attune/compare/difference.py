"""The difference of two arms' means, and when it is known: an interval that holds at all times at once.

The bets are that B's mean is above A's by more than `d`, at odds that are fair for means m of A and m + d of
B: so it does not matter in which order the arms' reviews come, nor how unequal their shares are. Nobody knows
m; what has been won is the least over all m, which is never more than was won for the true one: an e-process
of a composite hypothesis, see Ramdas, Grünwald, Vovk and Shafer, Game-theoretic statistics and safe
anytime-valid inference (2023).

Most of the money is staked on both arms at once, against A and for B, each by the other's share of the
reviews before: then what is won hardly depends on m. The rest is staked on one arm alone, which refutes an m
that is far off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from attune.compare.mean import ALPHA
from attune.compare.stakes import SHARES, STAKES, Array, Truth, Whole, log_sum, values

_STEPS = 400
_MEANS = np.linspace(0.0, 1.0, _STEPS + 1)
_ON_BOTH = 0.9
_WEIGHTS = np.log(np.concatenate([_ON_BOTH * SHARES, *[(1 - _ON_BOTH) / 2 * SHARES] * 2]))
_LEVELS = 20
"""Shares are rounded to so many steps: each step has its own bets."""
_MOST = 100.0


@dataclass(frozen=True, slots=True)
class Difference:
    """B's mean less A's, both from 0 to 1, with the interval that it is in at any time."""

    value: float | None
    low: float
    high: float
    reviews: int
    more: int | None
    """About how many more reviews it takes until the interval leaves 0, if they go on as so far: the reviews
    there are, taken several times over. None where it has left it, where an arm has no review, and where a
    hundred times as many would not do."""

    @property
    def better(self) -> bool:
        return self.low >= 0

    @property
    def worse(self) -> bool:
        return self.high <= 0


@dataclass(frozen=True, slots=True)
class _Won:
    """What the bets have won after some spans, as logarithms: on A for each m, on B for each m + d.

    Both have the shape (spans, bets, means).
    """

    of_a: Array
    of_b: Array

    @classmethod
    def over(cls, a: Array, b: Array, at: Whole) -> Self:
        """After the spans `at`; `a` and `b` are counts, shape (spans, bins)."""
        levels = _levels(a.sum(1), b.sum(1))
        won: list[Array] = [np.zeros(1), np.zeros(1)]
        for level in np.unique(levels):
            within = (levels == level)[:, None]
            for arm, (counts, logs) in enumerate(zip((a, b), _bets(int(level), a.shape[1]), strict=True)):
                won[arm] = won[arm] + np.tensordot(np.cumsum(counts * within, 0)[at], logs, 1)
        return cls(*won)

    def times(self, factor: float) -> Self:
        """After so many times as many reviews that are like these."""
        return type(self)(self.of_a * factor, self.of_b * factor)

    def refutes(self, steps: Whole, alpha: float) -> Truth:
        """Whether B is more than `steps` - 1 of _STEPS above A, for each span.

        Between two of _MEANS the bets on A have won at least what they have at the lower one, and those
        on B what they have at the higher one: so one step of room makes it hold for every m.
        """
        means = np.arange(_STEPS + 1)
        others = means + steps[:, None]
        beside = np.take_along_axis(self.of_b, np.clip(others, 0, _STEPS)[:, None], 2)
        won, enough = self.of_a + beside + _WEIGHTS[:, None], math.log(1 / alpha)
        # Where one bet alone has won enough, the others need no sum.
        span, mean = np.nonzero((won.max(1) < enough) & (others >= 0))
        refuted = np.ones(len(won), dtype=bool)
        refuted[span[log_sum(won[span, :, mean], 1) < enough]] = False
        return refuted

    def low(self, alpha: float) -> Array:
        """The largest difference that is refuted after each span; -1 for none."""
        rows = len(self.of_a)
        low, high = np.full(rows, -_STEPS), np.full(rows, _STEPS + 1)
        while (high - low > 1).any():
            middle = (low + high) // 2
            above = self.refutes(middle, alpha)
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.asarray(np.maximum((low - 1) / _STEPS, -1.0))


def compare(a: Array, b: Array, alpha: float = ALPHA) -> Difference:
    """Whether B is better than A, by the counts of their reviews in each span (a day), shape (spans, bins).

    The probability that one of two arms that are alike is ever called better is at most `alpha`, and half of
    it that the worse one is, if each review's mean is its arm's whatever came before it.
    """
    points, reviews = values(a.shape[1]), (int(a.sum()), int(b.sum()))
    if not all(reviews):
        return Difference(None, -1.0, 1.0, sum(reviews), None)
    last = np.array([len(a) - 1])
    up, down = _Won.over(a, b, last), _Won.over(b, a, last)
    low, high = float(up.low(alpha / 2)[0]), -float(down.low(alpha / 2)[0])
    value = float(b.sum(0) @ points / reviews[1] - a.sum(0) @ points / reviews[0])
    open_ = low < 0 < high
    factor = _factor(up if value > 0 else down, alpha / 2) if open_ else None
    more = None if factor is None else math.ceil((factor - 1) * sum(reviews))
    return Difference(value, low, high, sum(reviews), more)


def intervals(a: Array, b: Array, at: Whole, alpha: float = ALPHA) -> tuple[Array, Array]:
    """The interval of the difference after each of the spans `at`: lower ends, upper ends."""
    return _Won.over(a, b, at).low(alpha / 2), -_Won.over(b, a, at).low(alpha / 2)


def calls(a: Array, b: Array, alpha: float = ALPHA) -> tuple[Truth, Truth]:
    """After which spans B is better, and after which it is worse: as `compare` says it, in one go."""
    every, step = np.arange(len(a)), np.ones(len(a), dtype=int)
    return _Won.over(a, b, every).refutes(step, alpha / 2), _Won.over(b, a, every).refutes(step, alpha / 2)


def _factor(won: _Won, alpha: float) -> float | None:
    """How many times as many reviews like these refute 0."""
    low, high, step = 1.0, _MOST, np.ones(1, dtype=int)
    if not won.times(high).refutes(step, alpha)[0]:
        return None
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if won.times(middle).refutes(step, alpha)[0] else (middle, high)
    return high


def _levels(a: Array, b: Array) -> Whole:
    """B's share of the reviews before each span, in _LEVELS: a bet must not know what it is about to see."""
    ours, every = np.cumsum(b) - b, np.cumsum(a + b) - (a + b)
    return np.clip(np.rint(_LEVELS * (ours + 1) / (every + 2)), 1, _LEVELS - 1).astype(int)


@lru_cache(maxsize=2 * _LEVELS)
def _bets(level: int, bins: int) -> tuple[Array, Array]:
    """What a review of A, and one of B, makes of a bet's money, as logarithms, shape (bins, bets, means)."""
    share = level / _LEVELS
    both, none = STAKES / max(share, 1 - share), np.zeros(len(STAKES))
    on_a, on_b = (
        np.concatenate([share * both, STAKES, none]),
        np.concatenate([(1 - share) * both, none, STAKES]),
    )
    off = values(bins)[:, None, None] - _MEANS
    return np.log1p(-on_a[:, None] * off), np.log1p(on_b[:, None] * off)
