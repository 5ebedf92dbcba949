"""Evaluation: held-out examples answered by the engine that serves, without an adapter and with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from attune import connect
from attune.handle import Act, ask
from attune.measure.evaluate import evaluate
from attune.measure.evaluation import Evaluation, Settings
from attune.measure.gold import fields_of, gather
from attune.measure.inputs import wanted_of
from attune.measure.rows import Row, Unreadable
from attune.measure.run import collect, join
from attune.tune.check import Taught
from attune.tune.examples import Example

Figures = dict[str, dict[str, float]]
_KEPT = (
    *("valid answers", "accuracy", "macro-F1"),
    *("ROUGE-1", "ROUGE-2", "ROUGE-L", "chrF", "edit distance"),
)
"""Of all figures those that the record keeps."""
_IN_FLIGHT = 16


def answers(
    address: str, taught: Sequence[Taught], tries: int, timeout_s: float, done: Callable[[int], None]
) -> list[Row]:
    """What the engine at `address` says to each example, a row for each chat: asked as in serving.

    `done` is told how many are answered. Raises EngineError where the engine cannot load.
    """
    engine = connect.engine(address)

    def said(each: Taught) -> tuple[Example, dict[str, Any]]:
        example = each.example
        answer = ask(example.task, example.chat, Act(example.task, engine, tries, timeout_s))
        values = answer.verdict.values if answer.verdict else {"error": answer.attempts[-1].error}
        return example, dict(values)

    found = []
    try:
        with ThreadPoolExecutor(_IN_FLIGHT) as pool:
            for number, each in enumerate(pool.map(said, taught), start=1):
                found.append(each)
                done(number)
    finally:
        engine.close()
    return _rows(found)


def compared(
    taught: Sequence[Taught], adapter: Sequence[Row], base: Sequence[Row], tell: Callable[[str, float], None]
) -> Evaluation:
    """The answers with the adapter beside those of the base alone, scored against the examples."""
    gold = gather("held out", _gold(taught), Unreadable())
    wanted = wanted_of(gold, (), ())
    runs = [
        collect(name, rows, Unreadable(), wanted) for name, rows in (("adapter", adapter), ("base", base))
    ]
    fields = fields_of(gold, (), set.union(*(run.columns for run in runs)), has_text=False)
    return evaluate(gold, [join(gold, run) for run in runs], fields, Settings(), tell)


def figures(found: Evaluation) -> Figures:
    """The record's figures: "FIELD MEASURE" to its value, of the base and with the adapter."""
    parts = [found.answers, *(each.part for each in found.scores)]
    return {
        side: {
            f"{each.field} {each.name}": round(each.value, 2)
            for part in parts
            for each in part.figures[run]
            if each.name in _KEPT and each.value is not None
        }
        for side, run in (("base", 1), ("adapter", 0))
    }


def _gold(taught: Iterable[Taught]) -> list[Row]:
    examples = [each.example for each in taught]
    told = {each.chat.digest: each.chat.to_json() for each in examples}
    return [{**told[row["id"]], **row} for row in _rows([(each, dict(each.values)) for each in examples])]


def _rows(found: Iterable[tuple[Example, dict[str, Any]]]) -> list[Row]:
    """One row for each chat, with the values of all of its tasks; of two for a field the first counts."""
    rows: dict[str, Row] = {}
    for example, values in found:
        key = example.chat.digest
        rows[key] = {"id": key, **values, **rows.get(key, {})}
    return list(rows.values())
