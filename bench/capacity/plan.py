"""The questions of a capacity plan, answered by simulation."""

from __future__ import annotations

import random
import tomllib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.capacity.arrivals import Load, of_days, steady
from bench.capacity.measure import percentiles
from bench.capacity.queueing import Result, simulate
from bench.capacity.scaling import Scaling, simulate_scaled
from bench.capacity.service import Case, Service

FILE = Path(__file__).parent / "inputs.toml"
CHATS_PER_WORKER = (50, 100, 200, 400, 800)
_LOADS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
_CHATS = 40_000
_WARM_UP = 2_000


@dataclass(frozen=True, slots=True)
class Machine:
    """What is rented, and what for. The price is an input."""

    name: str
    cores: int
    per_hour: float


@dataclass(frozen=True, slots=True)
class Inputs:
    """The file of inputs."""

    load: Load
    target_s: float
    scaling: Mapping[str, Any]
    as_of: str
    currency: str
    machines: tuple[Machine, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A simulated day with some way of having workers."""

    label: str
    result: Result

    @property
    def draft_s(self) -> tuple[float, float]:
        return percentiles(self.result.draft_s)

    def worker_hours(self, at_once: int = 1) -> float:
        """Hours paid for where workers are had `at_once` at a time: a machine holds that many."""
        ends = [*self.result.workers, (self.result.end_s, 0)]
        return sum(-(-count // at_once) * (end - at) for (at, count), (end, _) in pairwise(ends)) / 3600

    def cost_per_million(self, machine: Machine, worker_cores: int) -> float:
        hours = self.worker_hours(max(1, machine.cores // worker_cores))
        return hours * machine.per_hour / len(self.result.outcome_s) * 1e6


def read_inputs(path: Path = FILE) -> Inputs:
    """The inputs in `path`. An unknown or missing key is a TypeError or KeyError that names it."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    scaling = dict(found["scaling"])
    return Inputs(
        load=Load(**found["load"]),
        target_s=scaling.pop("target_s"),
        scaling=scaling,
        as_of=found["prices"]["as_of"],
        currency=found["prices"]["currency"],
        machines=tuple(Machine(**each) for each in found["machine"]),
    )


def checked(service: Service, case: Case) -> Result:
    """The measured case again, simulated, with many more chats."""
    return simulate(service, steady(case.per_s, _CHATS, random.Random(2)), 1)


def by_load(service: Service, workers: Sequence[int]) -> dict[int, list[tuple[float, float]]]:
    """For each number of workers: the p99 time to draft by the share of their capacity that comes, evenly."""
    return {count: [(load, _p99(service, load, count)) for load in _LOADS] for count in workers}


def _p99(service: Service, load: float, workers: int) -> float:
    times = steady(load * workers * service.best_per_s, _CHATS, random.Random(3))
    found = simulate(service, times, workers)
    return percentiles(found.draft_s[_WARM_UP:])[1]


def day_of(load: Load) -> array[float]:
    """When the chats of one day come: always the same day."""
    return array("d", of_days(load, 1, random.Random(4)))


def fixed_days(service: Service, times: Sequence[float], workers: Sequence[int]) -> list[Day]:
    """The day with each number of workers, all day long."""
    return [Day(f"{count}, all day", simulate(service, times, count)) for count in workers]


def scaled_days(service: Service, inputs: Inputs, times: Sequence[float]) -> dict[int, Day]:
    """The day with workers by the backlog, for each `chats_per_worker`."""
    days = {}
    for chats in CHATS_PER_WORKER:
        scaling = Scaling(
            chats_per_worker=chats,
            max_workers=inputs.scaling["max_workers"],
            poll_s=inputs.scaling["poll_s"],
            pod_start_s=inputs.scaling["pod_start_s"] + service.load_s,
            cooldown_s=inputs.scaling["cooldown_s"],
        )
        days[chats] = Day(f"one for each {chats} chats", simulate_scaled(service, times, scaling))
    return days
