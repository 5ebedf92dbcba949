"""Paired tests: how likely so great a difference is if it is chance which run gave which answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from attune.measure.bootstrap import SEED, differences
from attune.measure.figure import Array, Difference, Measure, Rows, Sample, Scored

_EXACT = 12
"""Up to so many rows that differ, all ways to swap them are tried."""
_MOST, _LEAST, _WORK = 9_999, 999, 400_000_000
_AT_ONCE = 4_000_000
_ALMOST = 1e-9


def compare(field: str, one: Scored, other: Scored, rows: Rows, draws: int) -> list[Difference]:
    """Every measure of a field: the first run less the second, with interval and p-value."""
    found = differences(field, one, other, rows, draws)
    if not found:
        return []
    first, second = one.pair(other, rows[one.has_gold[rows]])
    swapped = Swapped(first, second)
    return [
        replace(each, p=p, test=test)
        for each, measure in zip(found, one.measures, strict=True)
        for p, test in [_tested(measure, first, second, swapped)]
    ]


def _tested(measure: Measure, first: Sample, second: Sample, swapped: Swapped) -> tuple[float | None, str]:
    if measure.binary:
        return mcnemar(*discordant(measure, first, second)), "McNemar, exact"
    return swapped.p(measure), swapped.name


def discordant(measure: Measure, first: Sample, second: Sample) -> tuple[int, int]:
    """How many rows only the first run has right, and how many only the second."""
    one, two = measure.score(first.values), measure.score(second.values)
    return int(first.counts[one > two].sum()), int(first.counts[one < two].sum())


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test: a fair coin for each row that only one run has right."""
    thrown = only_first + only_second
    if not thrown:
        return 1.0
    tail = math.fsum(
        math.exp(_log_choose(thrown, few) - thrown * math.log(2))
        for few in range(min(only_first, only_second) + 1)
    )
    return min(1.0, 2 * tail)


def _log_choose(whole: int, part: int) -> float:
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)


class Swapped:
    """Sums of two runs with the answers of some rows swapped: a permutation test for any measure.

    With at most 12 rows that differ all ways are tried; else 9,999 at random (fewer of very many rows, never
    less than 999), and the one that was seen counts as one more (Phipson and Smyth, 2010).
    """

    def __init__(self, first: Sample, second: Sample) -> None:
        apart = second.values - first.values
        differ = np.any(apart != 0, axis=1)
        self._apart, self._counts = apart[differ], first.counts[differ]
        self._whole = first.counts @ first.values, first.counts @ second.values
        rows = int(self._counts.sum())
        self._exact = rows <= _EXACT
        self.tries = 2**rows if self._exact else max(_LEAST, min(_MOST, _WORK // len(self._counts)))
        self.name = f"permutation, {'exact' if self._exact else f'{self.tries:,} at random'}"
        moved = np.concatenate([part @ self._apart for part in self._draws()])
        self._sums = self._whole[0] + moved, self._whole[1] - moved

    def p(self, measure: Measure) -> float | None:
        """The share of ways in which the measure differs by at least as much; None where it says nothing."""
        seen = abs(measure.score(self._whole[1]) - measure.score(self._whole[0]))
        if np.isnan(seen):
            return None
        found = np.abs(measure.score(self._sums[1]) - measure.score(self._sums[0]))
        as_great = int(np.sum(found >= seen - _ALMOST))
        return as_great / self.tries if self._exact else (as_great + 1) / (self.tries + 1)

    def _draws(self) -> Iterator[Array]:
        """How many of each row's occurrences are swapped, shape (ways, rows), in parts."""
        rows = len(self._counts)
        if self._exact:
            each = np.repeat(np.arange(rows), self._counts)
            ways = (np.arange(self.tries)[:, None] >> np.arange(len(each))) & 1
            yield _gathered(ways, each, rows)
            return
        rng, left, most = np.random.default_rng(SEED), self.tries, max(1, _AT_ONCE // rows)
        while left > 0:
            size = (min(most, left), rows)
            left -= most
            if self._counts.max() == 1:
                yield (rng.random(size, dtype=np.float32) < 0.5).astype(float)
            else:
                yield rng.binomial(self._counts, 0.5, size).astype(float)


def _gathered(ways: NDArray[np.int64], each: NDArray[np.int64], rows: int) -> Array:
    found = np.zeros((len(ways), rows))
    for column, row in enumerate(each):
        found[:, row] += ways[:, column]
    return found
