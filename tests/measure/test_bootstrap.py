"""Intervals and p-values, beside what theory and small cases say."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from tests.measure.conftest import evaluated, figure

from attune.measure.bootstrap import interval, sums
from attune.measure.figure import Measure, Sample
from attune.measure.paired import Swapped, discordant, mcnemar

MEAN = Measure("mean", "%", lambda each: each[..., 0] / each[..., 1])


def sample(values: list[float]) -> Sample:
    return Sample(np.array([[each, 1.0] for each in values]), np.ones(len(values), dtype=np.int64))


def test_the_interval_of_a_mean_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(1).normal(50, 10, 400).tolist()
    low, high = interval(MEAN.score(sums(sample(values), 4000)))
    assert low is not None
    assert high is not None
    wide = 2 * 1.96 * np.std(values) / math.sqrt(400)
    assert high - low == pytest.approx(wide, rel=0.05)
    assert (low + high) / 2 == pytest.approx(np.mean(values), abs=0.1)


def test_rows_drawn_by_their_counts_give_the_same_interval() -> None:
    one_by_one = MEAN.score(sums(sample([1.0] * 60 + [0.0] * 140), 4000))
    counted = Sample(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([60, 140]))
    together = MEAN.score(sums(counted, 4000))
    assert interval(together) == pytest.approx(interval(one_by_one), abs=0.011)
    assert np.std(together) == pytest.approx(math.sqrt(0.3 * 0.7 / 200), rel=0.05)


def test_the_same_rows_always_have_the_same_interval() -> None:
    gold = [{"id": n, "mood": "ab"[n % 2]} for n in range(40)]
    said = [{"id": n, "mood": "ab"[n % 3 % 2]} for n in range(40)]
    assert figure(evaluated(gold, said), "macro-F1") == figure(evaluated(gold, said), "macro-F1")


def test_a_figure_lies_in_its_interval_and_more_resamples_are_heeded() -> None:
    gold = [{"id": n, "mood": "ab"[n % 2]} for n in range(40)]
    said = [{"id": n, "mood": "ab"[n % 3 % 2]} for n in range(40)]
    few, many = (figure(evaluated(gold, said, resamples=number), "accuracy") for number in (100, 5000))
    for each in (few, many):
        assert each.low is not None
        assert each.value is not None
        assert each.high is not None
        assert each.low < each.value < each.high
    assert (few.low, few.high) != (many.low, many.high)


@pytest.mark.parametrize(("one", "other"), [(0, 0), (1, 5), (3, 3), (0, 10), (40, 75)])
def test_mcnemar_is_the_exact_binomial(one: int, other: int) -> None:
    thrown = one + other
    tail = sum(Fraction(math.comb(thrown, k), 2**thrown) for k in range(min(one, other) + 1))
    assert mcnemar(one, other) == pytest.approx(float(min(Fraction(1), 2 * tail)))


def test_few_rows_are_swapped_in_all_ways() -> None:
    swapped = Swapped(sample([5.0, 5.0, 5.0, 1.0]), sample([4.0, 4.0, 4.0, 1.0]))
    assert swapped.p(MEAN) == 2 / 8  # of the eight ways only none and all differ as much
    assert swapped.name == "permutation, exact"


def test_many_rows_are_swapped_at_random_and_agree_with_the_exact_test() -> None:
    better, worse = 30, 14
    one = sample([1.0] * better + [0.0] * worse)
    other = sample([0.0] * better + [1.0] * worse)
    assert Swapped(one, other).p(MEAN) == pytest.approx(mcnemar(better, worse), abs=0.006)
    assert discordant(MEAN, one, other) == (30, 14)


def test_rows_with_counts_are_swapped_each_on_its_own() -> None:
    one = Sample(np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([30, 14]))
    other = Sample(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([30, 14]))
    assert Swapped(one, other).p(MEAN) == pytest.approx(mcnemar(30, 14), abs=0.006)


def test_runs_that_are_the_same_do_not_differ() -> None:
    same = sample([1.0, 2.0, 3.0])
    assert Swapped(same, same).p(MEAN) == 1.0


def test_a_run_less_itself_is_nothing_with_an_interval_of_nothing() -> None:
    gold = [{"id": n, "mood": "ab"[n % 2]} for n in range(20)]
    some = [{**row, "mood": "a"} for row in gold]
    for each in evaluated(gold, some, some).scores[0].part.differences:
        assert (each.value, each.low, each.high) in {(0.0, 0.0, 0.0), (None, None, None)}


def test_the_difference_is_the_first_run_less_the_second_pair_by_pair() -> None:
    gold = [{"id": n, "mood": "ab"[n % 2]} for n in range(20)]
    worse = [{**row, "mood": "a"} for row in gold]
    found = evaluated(gold, gold, worse)
    accuracy = next(each for each in found.scores[0].part.differences if each.name == "accuracy")
    assert accuracy.value == 50.0
    assert accuracy.p == pytest.approx(2 / 2**10)
    assert accuracy.test == "McNemar, exact"
    changed = found.scores[0].changed
    assert {row.gold for row in changed.better} == {"b"}
    assert len(changed.better) == 10
    assert changed.worse == ()
