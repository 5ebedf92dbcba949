"""Answers: how many rows of gold have one, and one that fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from attune.measure.figure import Array, Measure, Rows, Sample, ratio


class Answers:
    """Which rows were answered, and which of them validly: without an error, with one of gold's labels in
    each label field and a text in each text field."""

    kind = "answers"

    def __init__(self, answered: Sequence[bool], valid: Sequence[bool]) -> None:
        self.has_gold: NDArray[np.bool_] = np.ones(len(answered), dtype=bool)
        self._values = np.array([self.has_gold, answered, valid], dtype=float).T
        self.measures = (
            Measure("answered", "%", lambda sums: _share(sums, 1), "rows with a prediction", binary=True),
            Measure(
                *("valid answers", "%", lambda sums: _share(sums, 2), "rows whose prediction fits"),
                binary=True,
                group="main",
            ),
        )

    def sample(self, rows: Rows) -> Sample:
        return Sample(self._values[rows], np.ones(len(rows), dtype=np.int64))

    def pair(self, other: Answers, rows: Rows) -> tuple[Sample, Sample]:
        return self.sample(rows), other.sample(rows)

    def by_row(self) -> Array:
        return 100.0 * self._values[:, 2]


def _share(sums: Array, column: int) -> Array:
    return 100 * ratio(sums[..., column], sums[..., 0])
