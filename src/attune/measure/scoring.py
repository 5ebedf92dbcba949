"""Scoring: the rows of a run beside gold's, field by field."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from attune.measure.answers import Answers
from attune.measure.gold import Field, Gold, Kind, classes, language_of_row
from attune.measure.labels import Labels, label
from attune.measure.run import Joined
from attune.measure.texts import Text, Texts

Tell = Callable[[str, float], None]
_STEP = 64


def score(gold: Gold, run: Joined, asked: Field, tell: Tell) -> Labels | Texts:
    """One field of one run, scored row by row."""
    return _labels(gold, run, asked) if asked.kind is Kind.LABEL else _texts(gold, run, asked, tell)


def answers(run: Joined, fields: Sequence[Field], scored: Sequence[Labels | Texts]) -> Answers:
    """Which rows of gold the run has answered, and which of them validly.

    A draft is not asked for where the model sees no need of one, so drafts only count where there is
    nothing else.
    """
    answered = np.array([each is not None for each in run.predictions])
    valid = answered & np.array([bool(each and not each.error) for each in run.predictions])
    pairs = list(zip(fields, scored, strict=True))
    for _, found in [pair for pair in pairs if pair[0].kind is not Kind.DRAFT] or pairs:
        valid &= found.fits | ~found.has_gold
    return Answers(answered.tolist(), valid.tolist())


def _labels(gold: Gold, run: Joined, asked: Field) -> Labels:
    wanted = [row.get(asked.name) for row in gold.values]
    said = [run.said(row, asked) for row in range(len(wanted))]
    return Labels(
        [None if each is None else label(each) for each in wanted],
        [None if each is None else label(each) for each in said],
        classes(wanted),
    )


def _texts(gold: Gold, run: Joined, asked: Field, tell: Tell) -> Texts:
    rows = len(gold.ids)
    found = Texts(rows, asked.kind is Kind.DRAFT, any(each is not None for each in gold.chats))
    for row, values in enumerate(gold.values):
        if row % _STEP == 0:
            tell(f"{asked.name} of {run.name}", row / rows)
        wanted, said = values.get(asked.name), run.said(row, asked)
        if isinstance(wanted, str) and wanted.strip():
            text = said if isinstance(said, str) else None
            found.put(row, Text(wanted, text, gold.chats[row], language_of_row(values)))
    return found
