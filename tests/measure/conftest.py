"""Small gold and predictions, scored without a command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.cli.conftest import attune, environment

from attune.measure.evaluate import evaluate
from attune.measure.evaluation import Evaluation, Settings
from attune.measure.figure import Figure
from attune.measure.gold import fields_of, gather
from attune.measure.inputs import wanted_of
from attune.measure.rows import Unreadable
from attune.measure.run import collect, join

__all__ = ["attune", "environment"]
Rows = Sequence[dict[str, Any]]


def evaluated(gold: Rows, *runs: Rows, asked: Sequence[str] = (), **settings: Any) -> Evaluation:
    """The evaluation of rows as they would stand in files."""
    known = gather("gold", gold, Unreadable())
    wanted = wanted_of(known, settings.get("by", ()), tuple(asked))
    found = [collect(name, rows, Unreadable(), wanted) for name, rows in zip("ab", runs, strict=False)]
    shared = set.intersection(*(run.columns for run in found))
    fields = fields_of(known, asked, shared, found[0].has_text)
    return evaluate(known, [join(known, run) for run in found], fields, Settings(**settings), lambda *_: None)


def figure(found: Evaluation, name: str, run: int = 0) -> Figure:
    """The figure of that name of the first field that has one."""
    parts = [found.answers, *(each.part for each in found.scores)]
    return next(each for part in parts for each in part.figures[run] if each.name == name)


def value(found: Evaluation, name: str, run: int = 0) -> float:
    got = figure(found, name, run).value
    assert got is not None
    return got
