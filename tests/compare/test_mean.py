"""Intervals of one arm: a fair game under the true mean, and so an interval that holds whenever one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.compare import mean as means
from attune.compare.mean import mean, percentile, share, unbounded


@given(st.floats(0.02, 0.98), st.integers(1, 12))
def test_bets_against_the_true_mean_win_nothing_on_average(m: float, n: int) -> None:
    every = np.array([[n - yes, yes] for yes in range(n + 1)], dtype=float)
    chance = np.array([math.comb(n, yes) * m**yes * (1 - m) ** (n - yes) for yes in range(n + 1)])
    assert chance @ np.exp(means._log_won(every, m)) == pytest.approx(1)


@given(st.lists(st.integers(0, 200), min_size=2, max_size=21).filter(any))
def test_an_interval_has_its_mean_within_and_turns_with_its_counts(counts: list[int]) -> None:
    found, turned = mean(counts), mean(counts[::-1])
    assert found.value is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert (turned.low, turned.high) == pytest.approx((1 - found.high, 1 - found.low))
    more = mean([10 * count for count in counts])
    assert found.low <= more.low + 1e-9
    assert more.high <= found.high + 1e-9


def test_the_ends_are_where_bets_have_won_enough() -> None:
    found = share(30, 100)
    won = means._log_won(np.array([[70.0, 30.0]]), found.low)[0]
    assert won == pytest.approx(math.log(2 / 0.05), abs=1e-4)
    assert mean((0, 0)) == means.Estimate(None, 0.0, 1.0, 0)


def test_one_who_looks_at_every_value_finds_the_mean_outside_in_five_of_a_hundred_at_most() -> None:
    drawn = np.random.default_rng(0)
    wrong = 0
    for _ in range(300):
        yes = np.cumsum(drawn.random(400) < 0.8)
        counts = np.stack([np.arange(1, 401) - yes, yes], 1).astype(float)
        won = np.maximum(means._log_won(counts, 0.8), means._log_won(counts[:, ::-1], 0.2))
        wrong += bool((won >= math.log(2 / 0.05)).any())
    assert 0 < wrong <= 15


def test_a_percentile_is_between_values_that_are_too_low_and_too_high() -> None:
    ordered = np.arange(1.0, 1001.0)
    found = percentile(ordered, np.ones(1000), 50)
    assert found.value == 500
    assert 400 < found.low < 500 < found.high < 600
    assert (found.low + found.high) / 2 == pytest.approx(500, abs=1)
    heavy = percentile(np.array([1.0, 2.0]), np.array([10.0, 990.0]), 50)
    assert (heavy.low, heavy.value, heavy.high) == (2, 2, 2)
    few = percentile(np.array([1.0, 2.0, 3.0]), np.ones(3), 99)
    assert (few.low, few.high) == (2.0, math.inf)
    assert percentile(np.array([5.0]), np.ones(1), 50).low == 0
    assert percentile(np.zeros(0), np.zeros(0), 50).value is None


def test_a_mean_without_bounds_narrows_with_its_values() -> None:
    some, many = unbounded(1000, 2000.0, 5000.0), unbounded(100_000, 200_000.0, 500_000.0)
    assert some.value == many.value == 2
    assert some.low == pytest.approx(2 - 0.0960, abs=1e-4)
    assert many.high - many.low < (some.high - some.low) / 5
    assert unbounded(0, 0, 0).value is None
    assert unbounded(1, 3.0, 9.0).high == math.inf
