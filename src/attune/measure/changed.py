"""The rows that changed most between two runs, in both directions; of one run, those farthest from gold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attune.measure.figure import Array, Rows
from attune.measure.gold import Field, Gold, language_of_row
from attune.measure.run import Joined

_MOST_CHARS = 2000


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One row: what gold says and what each run said, with the score of each, 0 to 100."""

    id: str
    language: str | None
    gold: str
    said: tuple[str | None, ...]
    scores: tuple[float, ...]
    chat: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """Of two runs: rows that the first has better, and worse. Of one: in `worse` the farthest from gold."""

    better: tuple[ChangedRow, ...] = ()
    worse: tuple[ChangedRow, ...] = ()


def changed(
    gold: Gold, runs: Sequence[Joined], asked: Field, scores: Sequence[Array], rows: Rows, most: int
) -> Changed:
    """At most `most` rows of `rows` in each direction, those that changed most first."""
    apart = scores[0][rows] - (scores[1][rows] if len(scores) > 1 else 100.0)
    order = np.argsort(apart, kind="stable")
    worse = [rows[each] for each in order[:most] if apart[each] < 0]
    better = [rows[each] for each in order[::-1][:most] if apart[each] > 0]

    def told(found: Sequence[Any]) -> tuple[ChangedRow, ...]:
        return tuple(_row(gold, runs, asked, scores, int(each)) for each in found)

    return Changed(told(better), told(worse))


def _row(gold: Gold, runs: Sequence[Joined], asked: Field, scores: Sequence[Array], row: int) -> ChangedRow:
    values = gold.values[row]
    texts = tuple(_shown(run.said(row, asked)) for run in runs)
    told = tuple(round(float(each[row]), 2) for each in scores)
    language, wanted = language_of_row(values), _shown(values[asked.name]) or ""
    return ChangedRow(gold.ids[row], language, wanted, texts, told, _shown(gold.chats[row]))


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)[:_MOST_CHARS]
