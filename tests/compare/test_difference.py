"""Two arms: bets that are fair whatever their means, and a call that is not made before the data allow it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compare.reviews import PLAIN, better, first, stream

from attune.compare.difference import _LEVELS, _ON_BOTH, _levels, _Won, calls, compare, intervals
from attune.compare.stakes import SHARES, STAKES, Array, values


def plainly(a: Array, b: Array, m: float, d: float) -> float:
    """What the bets have won against means m and m + d, review by review, with no grid and no logarithms."""
    levels = _levels(a.sum(1), b.sum(1))
    money = 0.0
    zero = np.zeros_like(STAKES)
    for which, part in enumerate((_ON_BOTH, (1 - _ON_BOTH) / 2, (1 - _ON_BOTH) / 2)):
        won = part * SHARES
        for span, level in enumerate(levels):
            share = level / _LEVELS
            larger = max(share, 1 - share)
            against_a = (share / larger * STAKES, STAKES, zero)[which]
            for_b = ((1 - share) / larger * STAKES, zero, STAKES)[which]
            for value, count in zip(values(a.shape[1]), a[span], strict=True):
                won = won * (1 - against_a * (value - m)) ** count
            for value, count in zip(values(b.shape[1]), b[span], strict=True):
                won = won * (1 + for_b * (value - m - d)) ** count
        money += won.sum()
    return float(money)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 3), st.integers(1, 3))
def test_bets_against_the_true_means_win_nothing_on_average(
    m: float, other: float, of_a: int, of_b: int
) -> None:
    """Over two spans, the second of which bets by the shares of the first."""
    mean_of_money = 0.0
    for yes in itertools.product(*(range(n + 1) for n in (of_a, of_b, of_b, of_a))):
        ns = (of_a, of_b, of_b, of_a)
        chance = math.prod(
            math.comb(n, k) * p**k * (1 - p) ** (n - k)
            for n, k, p in zip(ns, yes, (m, other, m, other), strict=True)
        )
        a = np.array([[of_a - yes[0], yes[0]], [of_b - yes[2], yes[2]]], dtype=float)
        b = np.array([[of_b - yes[1], yes[1]], [of_a - yes[3], yes[3]]], dtype=float)
        mean_of_money += chance * plainly(a, b, m, other - m)
    assert mean_of_money == pytest.approx(1)


@given(st.data())
def test_what_is_refuted_is_refuted_for_every_mean(data: st.DataObject) -> None:
    counts = st.lists(st.lists(st.integers(0, 12), min_size=4, max_size=4), min_size=3, max_size=3)
    a, b = (np.array(data.draw(counts), dtype=float) for _ in range(2))
    b[:, -1] += data.draw(st.integers(0, 40))
    steps = data.draw(st.integers(-399, 400))
    won = _Won.over(a, b, np.array([2]))
    d = (steps - 1) / 400
    money = min(plainly(a, b, m, d) for m in np.linspace(max(0, -d), min(1, 1 - d), 57))
    # Money at which it just is not refuted yet: the grid may say less than there is, never more.
    for part in (1.0001, 2.0, 50.0):
        assert not won.refutes(np.array([steps]), 1 / (money * part))[0]


def test_the_interval_has_the_difference_within_and_is_the_same_from_the_other_side() -> None:
    a, b = stream(PLAIN, better(0.1), 0.3, 1000, 50, np.random.default_rng(3))
    found, turned = compare(a, b), compare(b, a)
    assert found.value is not None
    assert found.low < found.value < found.high
    assert (turned.low, turned.high) == (-found.high, -found.low)
    low, high = intervals(a, b, np.arange(20))
    assert (low[-1], high[-1]) == (found.low, found.high)
    assert high[0] - low[0] > high[9] - low[9] > high[19] - low[19]


def test_a_call_is_when_the_interval_leaves_nothing_to_doubt() -> None:
    drawn = np.random.default_rng(4)
    a, b = stream(PLAIN, better(0.2), 0.5, 1000, 50, drawn)
    up, down = calls(a, b)
    low, high = intervals(a, b, np.arange(20))
    assert (up == (low >= 0)).all()
    assert (down == (high <= 0)).all()
    assert up[-1]
    assert not down.any()
    assert compare(a, b).better
    assert compare(b, a).worse


def test_how_many_more_reviews_it_takes_is_about_right() -> None:
    drawn, told, taken = np.random.default_rng(5), [], []
    for _ in range(20):
        a, b = stream(PLAIN, better(0.1), 0.5, 3000, 100, drawn)
        up, _ = calls(a, b)
        early = compare(a[:3], b[:3])
        told.append(math.inf if early.better or early.more is None else 300 + early.more)
        taken.append(first(up, 100))
    assert 0.5 < np.median(told) / np.median(taken) < 2


def test_an_arm_without_reviews_is_neither_better_nor_worse() -> None:
    a, b = np.array([[5.0, 5.0]]), np.zeros((1, 2))
    found = compare(a, b)
    assert (found.value, found.low, found.high, found.more) == (None, -1, 1, None)
    assert not found.better
    assert not found.worse
    alike = compare(a, a)
    assert (alike.value, alike.more) == (0, None)


@pytest.mark.parametrize("weight", [0.5, 0.1])
def test_of_a_hundred_pairs_of_equal_arms_five_are_called_at_most(weight: float) -> None:
    """Each looked at forty times over 2,000 reviews; `python -m bench.arms` does a thousand at more looks."""
    drawn, called = np.random.default_rng(6), 0
    for _ in range(100):
        up, down = calls(*stream(PLAIN, PLAIN, weight, 2000, 50, drawn))
        called += bool(up.any() or down.any())
    assert called <= 5


def test_a_reviewer_who_prefers_an_arm_is_understood_within_two_thousand_reviews() -> None:
    drawn = np.random.default_rng(7)
    for by, within in ((0.2, 500), (0.13, 1000)):
        found = [first(calls(*stream(PLAIN, better(by), 0.5, 2000, 50, drawn))[0], 50) for _ in range(20)]
        assert np.median(found) <= within
        assert max(found) <= 2000


def test_a_bet_knows_only_the_reviews_before_it() -> None:
    a, b = np.array([90.0, 0.0, 90.0]), np.array([10.0, 50.0, 10.0])
    assert _levels(a, b).tolist() == [_LEVELS / 2, round(_LEVELS * 11 / 102), round(_LEVELS * 61 / 152)]
