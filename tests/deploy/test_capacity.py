"""The simulation of docs/capacity.md, against what theory says and what must hold."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from bench.capacity import plan, service
from bench.capacity.arrivals import DAY_S, Load, of_days, steady
from bench.capacity.measure import percentiles
from bench.capacity.queueing import LINGER_S, POLL_S, Result, simulate
from bench.capacity.scaling import Scaling, simulate_scaled
from bench.capacity.service import Service

ALONE_S = 0.1


def worker(curve: dict[int, float], works: tuple[float, ...] = (ALONE_S,)) -> Service:
    return Service("m", "d", 1, "pocket", 1.0, works, works, curve, ())


def mean(result: Result) -> float:
    return math.fsum(result.outcome_s) / len(result.outcome_s)


def test_every_chat_ends_once() -> None:
    found = simulate(worker({1: 10.0, 8: 20.0}), steady(15.0, 5_000, random.Random(1)), 2)
    assert len(found.outcome_s) == 5_000
    assert 2_200 < len(found.draft_s) < 2_800


def test_a_chat_alone_takes_its_time_and_the_runs_own_waits() -> None:
    found = simulate(worker({1: 10.0, 8: 20.0}), (100.0 * n for n in range(1, 500)), 1)
    assert min(found.outcome_s) >= ALONE_S + LINGER_S - 1e-9
    assert max(found.outcome_s) <= POLL_S + ALONE_S + LINGER_S + 1e-9


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_one_server_that_is_shared_is_as_the_formula_says(load: float) -> None:
    """M/G/1 with processor sharing: the mean time is S / (1 - load), whatever the spread of S."""
    shared = worker({1: 10.0, 500: 10.0}, (0.02, 0.05, 0.23))
    times = steady(load * 10.0, 60_000, random.Random(2))
    found = mean(simulate(shared, times, 1)) - LINGER_S
    told = ALONE_S / (1 - load)
    # The look at an empty queue, and the writing together, add to it or take from it.
    assert told - LINGER_S - 0.05 * told < found < told + POLL_S + 0.05 * told


def test_more_in_flight_than_it_may_have_wait_their_turn() -> None:
    """Chats that come at once and end in order of their turns: 8 at a time, at 20 a second."""
    found = simulate(worker({1: 10.0, 8: 20.0}), (0.0 for _ in range(80)), 1)
    assert max(found.outcome_s) == pytest.approx(80 / 20.0, abs=POLL_S + LINGER_S)


def test_a_day_has_its_chats_its_curve_and_its_bursts() -> None:
    load = Load(50_000, daily_swing=0.8, burst_factor=4.0, burst_mean_s=600, between_bursts_s=3600)
    days = 6
    times = list(of_days(load, days, random.Random(3)))
    assert len(times) == pytest.approx(days * 50_000, rel=0.1)
    noon = sum(1 for at_s in times if abs(at_s % DAY_S - DAY_S / 2) < 3600)
    midnight = sum(1 for at_s in times if min(at_s % DAY_S, DAY_S - at_s % DAY_S) < 3600)
    assert noon > 4 * midnight
    even = replace(load, daily_swing=0.0, burst_factor=1.0)
    assert _spread(times) > 10 * _spread(list(of_days(even, days, random.Random(3))))


def _spread(times: list[float]) -> float:
    """Variance over mean of the chats of ten minutes: 1 for a Poisson process."""
    counts = [0] * math.ceil(times[-1] / 600 + 1)
    for at_s in times:
        counts[int(at_s // 600)] += 1
    middle = sum(counts) / len(counts)
    return sum((count - middle) ** 2 for count in counts) / len(counts) / middle


def test_workers_come_with_the_backlog_and_go_after_it() -> None:
    scaling = Scaling(chats_per_worker=50, max_workers=4, poll_s=15, pod_start_s=30, cooldown_s=120)
    quiet, burst = range(0, 600, 2), (600 + n / 40 for n in range(12_000))
    times = sorted([*map(float, quiet), *burst, *(1000.0 + n for n in range(1500))])
    found = simulate_scaled(worker({1: 10.0, 8: 20.0}), times, scaling)
    counts = [count for _, count in found.workers]
    assert len(found.outcome_s) == len(times)
    assert (counts[0], max(counts), counts[-1]) == (1, 4, 1)
    most_s = next(at_s for at_s, count in found.workers if count == 4)
    fewer_s = next(at_s for at_s, count in found.workers if at_s > most_s and count < 4)
    assert fewer_s - most_s >= scaling.cooldown_s
    alone = simulate(worker({1: 10.0, 8: 20.0}), times, 1)
    assert max(found.outcome_s) < max(alone.outcome_s) / 2


def test_the_price_of_a_day_is_that_of_its_machines() -> None:
    result = Result(workers=[(0.0, 1), (3600.0, 3)], end_s=7200.0)
    result.outcome_s.extend([1.0] * 1000)
    day = plan.Day("", result)
    assert day.worker_hours() == 4.0
    two_cores = plan.Machine("", cores=2, per_hour=0.5)
    assert day.cost_per_million(two_cores, worker_cores=1) == pytest.approx(3 * 0.5 * 1000)


def test_the_speed_between_two_points_of_the_curve_lies_between_them() -> None:
    known = worker({1: 10.0, 4: 16.0, 8: 20.0})
    speeds = [known.speed(n) for n in (1, 2, 4, 6, 8, 9)]
    assert speeds == pytest.approx([1.0, 1.2, 1.6, 1.8, 2.0, 2.0])


def test_what_was_measured_and_what_is_assumed_can_be_read() -> None:
    measured, inputs = service.read(), plan.read_inputs()
    assert len(measured.cases) == 2
    assert inputs.machines
    assert all(machine.name.startswith("example") for machine in inputs.machines)


def test_the_simulation_is_near_what_was_measured() -> None:
    """The median within a fifth, the 99th of a hundred within a third, at both loads."""
    measured = service.read()
    for case in measured.cases:
        found = percentiles(plan.checked(measured, case).outcome_s)
        assert found[0] == pytest.approx(case.outcome_s[0], rel=0.2)
        assert found[1] == pytest.approx(case.outcome_s[1], rel=0.33)
