"""Intervals for one arm that hold at all times at once: of a mean, a share, a percentile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attune.compare.stakes import SHARES, STAKES, Array, log_sum, values

ALPHA = 0.05
_HALVINGS = 24
_SOON = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of `n` observations and its 95 % confidence sequence; `value` is None where there are none."""

    value: float | None
    low: float
    high: float
    n: int

    def times(self, factor: float) -> Estimate:
        """The same in another unit."""
        value = None if self.value is None else self.value * factor
        return Estimate(value, self.low * factor, self.high * factor, self.n)


def mean(counts: Sequence[float] | Array, alpha: float = ALPHA) -> Estimate:
    """The mean of values from 0 to 1 that come as counts; two counts are of no and of yes.

    With probability 1 - alpha the mean is within all intervals that are ever computed, if each value has the
    same mean whatever came before it.
    """
    given = np.asarray(counts, dtype=float)
    n = int(given.sum())
    if not n:
        return Estimate(None, 0.0, 1.0, 0)
    return Estimate(
        float(given @ values(len(given)) / n), _low(given, alpha / 2), 1 - _low(given[::-1], alpha / 2), n
    )


def share(part: float, whole: float, alpha: float = ALPHA) -> Estimate:
    """A share of so many, as `mean` has it."""
    return mean((whole - part, part), alpha)


def percentile(ordered: Array, counts: Array, percent: float, alpha: float = ALPHA) -> Estimate:
    """A percentile of values without bounds: `counts` of each of the `ordered` values, which all differ.

    Its interval are the values that a bet on "below it are `percent` of all" does not refute: Howard and
    Ramdas, Sequential estimation of quantiles (2022), by bets in place of their bounds. 0 and infinity where
    so few values say nothing of an end.
    """
    n = int(counts.sum())
    if not n:
        return Estimate(None, 0.0, math.inf, 0)
    p, most = percent / 100, math.log(2 / alpha)
    until = np.cumsum(counts)
    before = until - counts
    # A value is too low if too few are up to it, and too high if too many are below it.
    too_low = _log_won(np.stack([until, n - until], 1), 1 - p) >= most
    too_high = _log_won(np.stack([n - before, before], 1), p) >= most
    every = np.array([[0.0, n]])
    low = ordered[~too_low][0] if _log_won(every, 1 - p)[0] >= most else 0.0
    high = ordered[~too_high][-1] if _log_won(every, p)[0] >= most else math.inf
    return Estimate(float(ordered[np.searchsorted(until, p * n)]), float(low), float(high), n)


def unbounded(n: int, total: float, squares: float, alpha: float = ALPHA) -> Estimate:
    """The mean of values without bounds, from their number, sum and sum of squares.

    An asymptotic confidence sequence, exact only for many values: Waudby-Smith, Arbour, Sinha, Kennedy and
    Ramdas, Time-uniform central limit theory (2024), theorem 2.2, at its narrowest after a thousand values.
    """
    if n < 2:
        return Estimate(total if n else None, -math.inf, math.inf, n)
    value = total / n
    deviation = math.sqrt(max(0.0, squares / n - value**2))
    rho = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / _SOON
    scale = n * rho + 1
    half = deviation * math.sqrt(2 * scale / (n**2 * rho) * math.log(math.sqrt(scale) / alpha))
    return Estimate(value, value - half, value + half, n)


def _low(counts: Array, alpha: float) -> float:
    """The smallest mean that bets on a larger one have not refuted: what they win falls with the mean."""
    low, high = 0.0, float(counts @ values(len(counts)) / counts.sum())
    most = math.log(1 / alpha)
    for _ in range(_HALVINGS if high else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_won(counts[None], middle)[0] >= most else (low, middle)
    return low


def _log_won(counts: Array, m: float) -> Array:
    """The logarithm of what bets on a mean above `m` have won, for each row of counts, shape (rows, bins)."""
    factors = np.log1p(STAKES[:, None] * (values(counts.shape[1]) / m - 1))
    return log_sum(counts @ factors.T + np.log(SHARES), 1)
