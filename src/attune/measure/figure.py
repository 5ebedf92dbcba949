"""Figures: a number with its interval and of how many rows it is; a measure says how it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure as a function of sums over rows: `score` maps sums (…, columns) to values (…), nan where
    there is nothing to say.

    `better` is 1 where more is better, -1 where less is, 0 where neither. A `binary` measure is right or
    wrong on each row. `about` tells a reader what it is.
    """

    name: str
    unit: str
    score: Callable[[Array], Array]
    about: str = ""
    better: int = 1
    binary: bool = False
    group: str = ""
    """"main" for what is shown first; else what the measure belongs to."""
    count: Callable[[Array], Array] | None = None
    """Of how many rows the value is, from sums; None is all that have gold."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows as what is summed of each, shape (rows, columns), and how often each occurs, shape (rows,)."""

    values: Array
    counts: NDArray[np.int64]


class Scored(Protocol):
    """One field of one run, scored row by row."""

    @property
    def measures(self) -> Sequence[Measure]: ...

    @property
    def has_gold(self) -> NDArray[np.bool_]:
        """Which rows have something to be compared with."""

    def sample(self, rows: Rows) -> Sample:
        """What is summed of `rows`."""

    def pair(self, other: Any, rows: Rows) -> tuple[Sample, Sample]:
        """The same of two runs, row beside row."""

    def by_row(self) -> Array:
        """How good each row is, 0 to 100."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure's value and 95 % interval over `count` rows; None where there is nothing to say."""

    field: str
    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    count: int
    better: int
    group: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first run's figure less the second's, its 95 % interval, and how likely so great a difference is
    where the runs are alike (`p`, by `test`)."""

    field: str
    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    test: str
    better: int
    group: str = ""


def ratio(part: Array, whole: Array) -> Array:
    """A part of a whole, nan where the whole is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def number(value: Any) -> float | None:
    """A float that is no nan."""
    return None if np.isnan(value) else float(value)
