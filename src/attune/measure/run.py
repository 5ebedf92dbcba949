"""A run: the predictions of one model or one day, joined to gold by id, never by position."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from attune.errors import AttuneError
from attune.measure.gold import Field, Gold
from attune.measure.prediction import Prediction, prediction
from attune.measure.rows import Row, Unreadable

_NAMED = 20


@dataclass(slots=True)
class Run:
    """Predictions by id; of two with the same id the first counts, and the id is in `doubled`."""

    name: str
    predictions: dict[str, Prediction] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    doubled: list[str] = field(default_factory=list)
    bad: Unreadable = field(default_factory=Unreadable)

    @property
    def has_text(self) -> bool:
        """Whether it wrote texts that no field is named for."""
        return any(each.text is not None for each in self.predictions.values())


@dataclass(frozen=True, slots=True)
class Joined:
    """A run beside gold: a prediction or None for each row of gold, and the ids that did not find another."""

    name: str
    predictions: tuple[Prediction | None, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    doubled: tuple[str, ...]
    failed: tuple[str, ...]
    bad: Unreadable
    columns: frozenset[str]

    def said(self, row: int, asked: Field) -> Any:
        """What is said of a field; None where nothing is, or the prediction failed.

        A text without a name is the field's where no row of the run has a column for it.
        """
        each = self.predictions[row]
        if each is None or each.error:
            return None
        return each.values.get(asked.predicted) if asked.predicted in self.columns else each.text

    def to_json(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in ("missing", "unknown", "doubled", "failed")}
        counted = {name: {"count": len(ids), "first": list(ids[:_NAMED])} for name, ids in named.items()}
        answered = len(self.predictions) - len(self.missing)
        unreadable = {"count": self.bad.count, "first": self.bad.first}
        return {"name": self.name, "answered": answered, **counted, "unreadable": unreadable}


def collect(name: str, rows: Iterable[Row], bad: Unreadable, wanted: Collection[str]) -> Run:
    """The run in `rows`, keeping the columns in `wanted`. Raises AttuneError where no row has an id."""
    run = Run(name, bad=bad)
    for number, row in enumerate(rows, start=1):
        try:
            found = prediction(row, wanted)
        except ValueError as error:
            bad.add(f"row {number}", str(error))
            continue
        if found.id in run.predictions:
            run.doubled.append(found.id)
        else:
            run.predictions[found.id] = found
            run.columns.update(found.values)
    if not run.predictions:
        why = f" ({bad.first[0]})" if bad.first else ", it is empty"
        raise AttuneError(f"{name}: not one prediction with an id{why}")
    return run


def join(gold: Gold, run: Run) -> Joined:
    """The run beside gold. Raises AttuneError where not one id is in both."""
    found = tuple(run.predictions.get(key) for key in gold.ids)
    known = set(gold.ids)
    unknown = tuple(key for key in run.predictions if key not in known)
    if not any(found):
        here, there = gold.ids[0], next(iter(run.predictions))
        raise AttuneError(
            f"no id of {run.name} is in {gold.name}: the one has ids like {there!r:.60}, "
            f"the other like {here!r:.60}; both need the same ids"
        )
    missing = tuple(key for key, each in zip(gold.ids, found, strict=True) if each is None)
    failed = tuple(each.id for each in found if each and each.error)
    return Joined(
        run.name, found, missing, unknown, tuple(run.doubled), failed, run.bad, frozenset(run.columns)
    )
