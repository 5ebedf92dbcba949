"""Plots: where things stand in a picture, in per cent of its width or height; the page draws them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attune.axis import Axis, around_zero, rounded
from attune.measure.evaluation import Evaluation, Group, Part, Scores
from attune.measure.figure import Array, Difference, Figure
from attune.measure.wording import main_measures

_BINS = 16
_LIKELY = 0.05


def whole(figures: Iterable[Figure]) -> Axis:
    """From 0 to 100, or as far as figures go that may exceed it."""
    most = max([100.0, *(each.high or 0.0 for each in figures)])
    return Axis(0.0, most, (0.0, 25.0, 50.0, 75.0, 100.0)) if most <= 100 else around_zero([most], half=True)


def of_differences(found: Evaluation) -> Axis:
    """One axis for all differences."""
    every = [each for part in parts(found) for each in part.differences]
    return around_zero(end for each in every for end in (each.low, each.high, each.value))


def differs(each: Difference) -> bool:
    """Whether a difference is worth a line of its own: it is there, and of no single class."""
    return not each.group.startswith("class ") and any((each.value, each.low, each.high))


def alike(found: Evaluation) -> list[Difference]:
    """The measures that are the same in both runs, however the rows are drawn."""
    every = [each for part in parts(found) for each in part.differences]
    return [each for each in every if not each.group.startswith("class ") and not differs(each)]


def parts(found: Evaluation) -> list[Part]:
    return [found.answers, *(each.part for each in found.scores)]


def headline(found: Evaluation) -> list[tuple[tuple[Figure, ...], Difference | None]]:
    """The figures that are shown first: of each run, and their difference."""
    main = set(main_measures(found))
    rows = (row for part in parts(found) for row in beside(part))
    return [row for row in rows if (row[0][0].field, row[0][0].name) in main]


def beside(part: Part) -> Iterator[tuple[tuple[Figure, ...], Difference | None]]:
    """Each figure of all runs, with the difference of two."""
    rows = zip(*part.figures, strict=True)
    for number, figures in enumerate(rows):
        yield figures, part.differences[number] if part.differences else None


def columns(found: Evaluation) -> dict[str, list[Group]]:
    """The groups by their column."""
    named: dict[str, list[Group]] = {}
    for each in found.groups:
        named.setdefault(each.column, []).append(each)
    return named


def of_group(part: Part, field: str, name: str) -> tuple[tuple[Figure, ...], Difference | None] | None:
    """One measure of a group; None where it has no row for it."""
    return next((row for row in beside(part) if (row[0][0].field, row[0][0].name) == (field, name)), None)


def verdict(each: Difference) -> str:
    """Whether a difference is "better", "worse" or "alike", by its p-value."""
    if not each.better or each.value is None or each.p is None or each.p >= _LIKELY or not each.value:
        return "alike"
    return "better" if each.value * each.better > 0 else "worse"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a confusion matrix: its count, and its share of the row, in per cent."""

    count: int
    share: float


def matrix(scores: Scores, run: int) -> list[list[Cell]]:
    """The confusion matrix of a run; a column that no row has is still there for labels, not for the rest."""
    counts = np.array(scores.confusions[run])
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = 100 * counts / totals
    return [
        [Cell(int(count), float(share)) for count, share in zip(*row, strict=True)]
        for row in zip(counts, shares, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a histogram, in per cent of the picture; `series` 0 is gold."""

    series: int
    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares of texts by length, `edges` the lengths at the ends of the bins."""

    bars: tuple[Bar, ...]
    edges: tuple[int, ...]
    means: tuple[float | None, ...]


def histogram(lengths: Sequence[Array]) -> Histogram:
    """Words a text, of gold and of each run; the longest one in a hundred are in the last bin."""
    every = np.concatenate(lengths)
    step = max(1, math.ceil(rounded(float(np.percentile(every, 99)) / _BINS, up=True))) if len(every) else 1
    edges = step * np.arange(_BINS + 1)
    counts = [np.histogram(np.minimum(each, edges[-1] - 0.5), edges)[0] for each in lengths]
    shares = [each / max(1, each.sum()) for each in counts]
    most = max(float(each.max()) for each in shares) or 1.0
    wide = 100 / _BINS
    width = 0.86 * wide / len(shares)
    bars = [
        Bar(series, round(wide * (number + 0.07) + width * series, 2), round(width, 2), 100 * value / most)
        for series, each in enumerate(shares)
        for number, value in enumerate(each.tolist())
    ]
    means = tuple(float(each.mean()) if len(each) else None for each in lengths)
    return Histogram(tuple(bars), tuple(int(each) for each in edges), means)
