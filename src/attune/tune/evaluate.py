"""Evaluation: held-out examples answered by the engine that serves, without an adapter and with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from attune import connect
from attune.answer import parse
from attune.errors import EngineError, Misfit
from attune.measure.evaluate import evaluate
from attune.measure.evaluation import Evaluation, Settings
from attune.measure.gold import fields_of, gather
from attune.measure.inputs import wanted_of
from attune.measure.rows import Row, Unreadable
from attune.measure.run import collect, join
from attune.request import Completion, Free, Request
from attune.tune.check import Taught
from attune.tune.examples import Example

Figures = dict[str, dict[str, float]]
_KEPT = (
    *("valid answers", "accuracy", "macro-F1"),
    *("ROUGE-1", "ROUGE-2", "ROUGE-L", "chrF", "edit distance"),
)
"""Of all figures those that the record keeps."""


def answers(
    address: str, taught: Sequence[Taught], timeout_s: float, done: Callable[[int], None]
) -> list[Row]:
    """What the engine at `address` says to each example, a row for each chat: asked once, as in serving, but
    that a text ends when it is twice as long as any that was wanted.

    `done` is told how many are answered. Raises EngineError where the engine cannot load.
    """
    engine = connect.engine(address)
    most = 2 * max(sum(lesson.trained) for each in taught for lesson in each.lessons)
    try:
        asked = [engine.submit(_bounded(each.example, most)) for each in taught]
        found = []
        for number, (each, future) in enumerate(zip(taught, asked, strict=True), start=1):
            found.append((each.example, _values(each.example, future, timeout_s)))
            done(number)
    finally:
        engine.close()
    return _rows(found)


def _bounded(example: Example, most: int) -> Request:
    asked = example.task.request(example.chat)
    slots = tuple(
        replace(slot, max_tokens=min(most, slot.max_tokens)) if isinstance(slot, Free) else slot
        for slot in asked.slots
    )
    return replace(asked, slots=slots)


def _values(example: Example, future: Future[Completion], timeout_s: float) -> dict[str, Any]:
    try:
        return dict(parse(example.task, future.result(timeout_s).text, example.chat).values)
    except (Misfit, EngineError, TimeoutError) as error:
        return {"error": str(error) or f"no answer within {timeout_s:g} s"}


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
    chats = {row["id"]: row for row in _rows([(each, each.chat.to_json()) for each in examples])}
    return [{**chats[row["id"]], **row} for row in _rows([(each, dict(each.values)) for each in examples])]


def _rows(found: Iterable[tuple[Example, dict[str, Any]]]) -> list[Row]:
    """One row for each chat, with the values of all of its tasks; of two for a field the first counts. Its
    id is where its first example stands."""
    rows: dict[str, Row] = {}
    for example, values in found:
        row = rows.setdefault(example.chat.digest, {"id": example.ref})
        row |= {name: value for name, value in values.items() if name not in row}
    return list(rows.values())
