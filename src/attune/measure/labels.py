"""Labels: accuracy, F1, precision and recall, all of them functions of the confusion matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attune.measure.figure import Array, Measure, Rows, Sample, ratio

OTHER, NONE = "other", "no answer"
MOST = 50


def label(value: Any) -> str:
    """A value as a label: true and false in small letters, a list as the set of its members."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(sorted(label(each) for each in value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


class Labels:
    """The gold and the predicted label of each row.

    The classes are those of gold. An answer that is none of them is "other", no answer "no answer", and both
    are wrong. Macro-F1 is the mean of the classes' F1, as scikit-learn's with labels=classes of gold.
    """

    kind = "label"

    def __init__(
        self, gold: Sequence[str | None], said: Sequence[str | None], classes: Sequence[str]
    ) -> None:
        self.classes = tuple(classes)
        code = {name: number for number, name in enumerate(classes)}
        width = len(classes) + 2
        said_codes = [len(code) + 1 if each is None else code.get(each, len(code)) for each in said]
        gold_codes = [-1 if each is None else code[each] for each in gold]
        self._gold, self._said = np.array(gold_codes, dtype=np.int64), np.array(said_codes, dtype=np.int64)
        self._cells = self._gold * width + self._said
        self.has_gold: NDArray[np.bool_] = self._gold >= 0
        self.measures = tuple(_measures(self.classes))

    @property
    def fits(self) -> NDArray[np.bool_]:
        """Which rows have an answer that is one of the classes."""
        return self._said < len(self.classes)

    def sample(self, rows: Rows) -> Sample:
        cells, counts = np.unique(self._cells[rows], return_counts=True)
        return Sample(self._one_hot(cells), counts)

    def pair(self, other: Labels, rows: Rows) -> tuple[Sample, Sample]:
        width = (len(self.classes) + 2) * len(self.classes)
        cells, counts = np.unique(self._cells[rows] * width + other._cells[rows], return_counts=True)
        return Sample(self._one_hot(cells // width), counts), Sample(self._one_hot(cells % width), counts)

    def by_row(self) -> Array:
        return np.where(self.has_gold & (self._gold == self._said), 100.0, 0.0)

    def confusion(self, rows: Rows) -> NDArray[np.int64]:
        """Counts, shape (classes, classes + 2): gold down, predicted across, then other and no answer."""
        rows = rows[self.has_gold[rows]]
        size = len(self.classes) * (len(self.classes) + 2)
        return np.bincount(self._cells[rows], minlength=size).reshape(len(self.classes), -1)

    def _one_hot(self, cells: Rows) -> Array:
        found = np.zeros((len(cells), len(self.classes) * (len(self.classes) + 2)))
        found[np.arange(len(cells)), cells] = 1.0
        return found


def _measures(classes: Sequence[str]) -> Iterator[Measure]:
    size = len(classes)
    yield Measure(
        "macro-F1", "points", partial(_macro_f1, size), "mean of the classes' F1, times 100", group="main"
    )
    yield Measure(
        "accuracy", "%", partial(_accuracy, size), "rows with the label of gold", binary=True, group="main"
    )
    for number, name in enumerate(classes):
        said, gold = partial(_said, size, number), partial(_gold, size, number)
        for kind, unit, score, count in (
            ("precision", "%", _precision, said),
            ("recall", "%", _recall, gold),
            ("F1", "points", _f1, gold),
        ):
            value = partial(score, size, number)
            yield Measure(f"{kind}, {name}", unit, value, group=f"class {name}", count=count)


def _matrix(size: int, sums: Array) -> Array:
    return sums.reshape(*sums.shape[:-1], size, size + 2)


def _hits(size: int, sums: Array) -> Array:
    return np.diagonal(_matrix(size, sums), axis1=-2, axis2=-1)


def _accuracy(size: int, sums: Array) -> Array:
    return 100 * ratio(_hits(size, sums).sum(-1), sums.sum(-1))


def _f1s(size: int, sums: Array) -> Array:
    matrix = _matrix(size, sums)
    return 200 * ratio(_hits(size, sums), matrix.sum(-1) + matrix.sum(-2)[..., :size])


def _macro_f1(size: int, sums: Array) -> Array:
    """Of a draw in which a class is neither gold nor predicted, the mean of the others."""
    each = _f1s(size, sums)
    return ratio(np.nansum(each, axis=-1), np.sum(~np.isnan(each), axis=-1).astype(float))


def _f1(size: int, number: int, sums: Array) -> Array:
    return _f1s(size, sums)[..., number]


def _precision(size: int, number: int, sums: Array) -> Array:
    return 100 * ratio(_hits(size, sums)[..., number], _said(size, number, sums))


def _recall(size: int, number: int, sums: Array) -> Array:
    return 100 * ratio(_hits(size, sums)[..., number], _gold(size, number, sums))


def _said(size: int, number: int, sums: Array) -> Array:
    found: Array = _matrix(size, sums)[..., :, number].sum(-1)
    return found


def _gold(size: int, number: int, sums: Array) -> Array:
    found: Array = _matrix(size, sums)[..., number, :].sum(-1)
    return found
