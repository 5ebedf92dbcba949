"""Evaluate: gold and one run, or two, scored by field, by group and row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from attune.errors import AttuneError
from attune.measure.bootstrap import figures
from attune.measure.changed import changed
from attune.measure.evaluation import Evaluation, Group, Part, Scores, Settings
from attune.measure.figure import Rows, Scored
from attune.measure.gold import Field, Gold
from attune.measure.labels import Labels, label
from attune.measure.paired import compare
from attune.measure.run import Joined
from attune.measure.scoring import Tell, answers, score
from attune.measure.texts import Texts

_MOST_GROUPS = 20


def evaluate(
    gold: Gold, runs: Sequence[Joined], fields: Sequence[Field], settings: Settings, tell: Tell
) -> Evaluation:
    """Scores `fields` of each run. `tell` is told what is done and how much of it.

    Raises AttuneError for a column that is not there, and where no row is left to be scored.
    """
    rows, draws = _rows(runs, settings), settings.resamples
    columns = {name: _column(gold, runs, name) for name in settings.by}
    scored = [[score(gold, run, each, tell) for run in runs] for each in fields]
    answered = [answers(run, fields, [pair[number] for pair in scored]) for number, run in enumerate(runs)]
    parts: list[tuple[str, Sequence[Scored]]] = [("answers", answered)]
    found = []
    for number, (each, pair) in enumerate(zip(fields, scored, strict=True)):
        tell("intervals", number / len(fields))
        parts.append((each.name, pair))
        by_row = [one.by_row() for one in pair]
        shown = changed(gold, runs, each, by_row, rows[pair[0].has_gold[rows]], settings.shown)
        found.append(Scores(each, _part(parts[-1:], rows, draws), changed=shown, **_pictures(pair, rows)))
    groups = tuple(_groups(columns, parts, rows, draws, tell))
    whole = _part(parts[:1], rows, draws)
    return Evaluation(gold, tuple(runs), settings, whole, tuple(found), groups)


def _rows(runs: Sequence[Joined], settings: Settings) -> Rows:
    there = np.array([[each is not None for each in run.predictions] for run in runs])
    rows = np.flatnonzero(there.all(axis=0)) if settings.only_answered else np.arange(there.shape[1])
    if not len(rows):
        raise AttuneError("no id of gold has a prediction in both runs: leave --only-answered away")
    return rows


def _part(parts: Sequence[tuple[str, Sequence[Scored]]], rows: Rows, draws: int) -> Part:
    runs = range(len(parts[0][1]))
    found = tuple(
        tuple(each for name, pair in parts for each in figures(name, pair[run], rows, draws)) for run in runs
    )
    if len(runs) == 1:
        return Part(len(rows), found)
    apart = tuple(each for name, pair in parts for each in compare(name, pair[0], pair[1], rows, draws))
    return Part(len(rows), found, apart)


def _pictures(pair: Sequence[Labels | Texts], rows: Rows) -> dict[str, Any]:
    """What the pictures of a field are drawn from."""
    first = pair[0]
    if isinstance(first, Labels):
        shown = tuple(each.confusion(rows).tolist() for each in pair if isinstance(each, Labels))
        return {"classes": first.classes, "confusions": shown}
    said = [each.lengths(rows)[0] for each in pair if isinstance(each, Texts)]
    return {"lengths": (first.lengths(rows)[1], *said), "tokenizers": tuple(sorted(first.tokenizers))}


def _column(gold: Gold, runs: Sequence[Joined], name: str) -> list[str]:
    """The value of a column for each row of gold: of gold, else of the first run's rows."""
    found = [row.get(name) for row in gold.values]
    if all(each is None for each in found):
        found = [each and each.values.get(name) for each in runs[0].predictions]
    if all(each is None for each in found):
        raise AttuneError(f"--by {name}: {gold.name} has no such column, only {', '.join(gold.columns)}")
    return ["(none)" if each is None else label(each)[:60] for each in found]


def _groups(
    columns: dict[str, list[str]],
    parts: Sequence[tuple[str, Sequence[Scored]]],
    rows: Rows,
    draws: int,
    tell: Tell,
) -> Iterator[Group]:
    """The rows of each value of each column; the rarest values of a column with very many are one group."""
    for column, values in columns.items():
        common = Counter(values[row] for row in rows).most_common()
        kept = [value for value, _ in common[:_MOST_GROUPS]]
        rest = f"{len(common) - len(kept)} others"
        here = np.array([values[row] if values[row] in kept else rest for row in rows])
        for number, value in enumerate([*kept, rest] if len(common) > len(kept) else kept):
            tell(f"by {column}", number / len(kept))
            yield Group(column, value, _part(parts, rows[here == value], draws))
