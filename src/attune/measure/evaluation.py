"""An evaluation: gold and one run, or two, scored by field, by group and row by row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from attune.measure.bootstrap import SEED
from attune.measure.changed import Changed
from attune.measure.figure import Array, Difference, Figure
from attune.measure.gold import Field, Gold
from attune.measure.labels import NONE, OTHER
from attune.measure.run import Joined
from attune.measure.words import Words


@dataclass(frozen=True, slots=True)
class Settings:
    """What is wanted of an evaluation: columns to group by, resamples, how many changed rows to show, and
    whether only rows that every run has answered are scored."""

    by: tuple[str, ...] = ()
    resamples: int = 1000
    shown: int = 10
    only_answered: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of some rows: of the first run, of the one it is compared with, and the first less that."""

    rows: int
    figures: tuple[tuple[Figure, ...], ...]
    differences: tuple[Difference, ...] = ()

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"rows": self.rows, "figures": [asdict(each) for each in self.figures[0]]}
        if len(self.figures) > 1:
            told["against"] = [asdict(each) for each in self.figures[1]]
            told["differences"] = [asdict(each) for each in self.differences]
        return told


@dataclass(frozen=True, slots=True)
class Group:
    """The rows with one value of a column."""

    column: str
    value: str
    part: Part


@dataclass(frozen=True, slots=True)
class Scores:
    """One field, scored for each run: its figures, and what its pictures are drawn from."""

    asked: Field
    part: Part
    classes: tuple[str, ...] = ()
    confusions: tuple[list[list[int]], ...] = ()
    lengths: tuple[Array, ...] = ()
    """Words a text: of gold, then of each run."""
    tokenizers: tuple[str, ...] = ()
    changed: Changed = field(default_factory=Changed)

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"name": self.asked.name, "predicted": self.asked.predicted}
        told |= {"kind": str(self.asked.kind), **self.part.to_json()}
        if self.classes:
            told |= {"labels": [*self.classes], "predicted_labels": [*self.classes, OTHER, NONE]}
            told["confusion"] = self.confusions[0]
        if self.tokenizers:
            told["tokenizers"] = {"rouge": Words.name, "bleu": list(self.tokenizers)}
        return told | {"changed": asdict(self.changed)}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that is known of one run, or of two, beside gold."""

    gold: Gold
    runs: tuple[Joined, ...]
    settings: Settings
    answers: Part
    scores: tuple[Scores, ...]
    groups: tuple[Group, ...]

    def to_json(self) -> dict[str, Any]:
        bad = {"count": self.gold.bad.count, "first": self.gold.bad.first}
        doubled = {"count": len(self.gold.doubled), "first": self.gold.doubled[:20]}
        return {
            "gold": {
                "name": self.gold.name,
                "rows": len(self.gold.ids),
                "doubled": doubled,
                "unreadable": bad,
            },
            "runs": [each.to_json() for each in self.runs],
            "answers": self.answers.to_json(),
            "fields": [each.to_json() for each in self.scores],
            "groups": [{"column": g.column, "value": g.value} | g.part.to_json() for g in self.groups],
            "resamples": self.settings.resamples,
            "seed": SEED,
            "only_answered": self.settings.only_answered,
        }
