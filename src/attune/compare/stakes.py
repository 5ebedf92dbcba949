"""Betting against a mean: what both the intervals of one arm and the comparison of two are made of.

A gambler who starts with 1 and stakes a part of it on every value that comes, at odds that are fair if the
mean is `m`, has on average 1 for ever if it is, and by Ville's inequality (1939) ever reaches 1/α with
probability α at most. So the means against which nobody has won 1/α are an interval that holds at all times
at once, whenever and however often one looks: Waudby-Smith and Ramdas, Estimating means of bounded random
variables by betting (2024). Nobody knows the best stake, so the money is spread over several before the first
value comes: the method of mixtures, Robbins (1970).

Values are 0 to 1 in equal steps and come as counts: how many there were of 0, of the first step, … of 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Truth = NDArray[np.bool_]
Whole = NDArray[np.int_]

STAKES: Array = 0.99 * 0.4 ** np.arange(7.0)
"""Parts of the money that are staked. Against a mean that is off by d the best is about d / variance."""
SHARES: Array = STAKES / STAKES.sum()
"""How the money is spread over them: the large ones win soon or never."""


def values(bins: int) -> Array:
    """What each of so many counts is a count of."""
    return np.linspace(0.0, 1.0, bins)


def log_sum(logs: Array, axis: int) -> Array:
    """The logarithm of a sum of numbers whose logarithms are given."""
    top = logs.max(axis, keepdims=True)
    return np.asarray((top + np.log(np.exp(logs - top).sum(axis, keepdims=True))).squeeze(axis))
