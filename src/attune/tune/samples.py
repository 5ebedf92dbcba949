"""Samples: what the model says to some held-out examples after each epoch, and how near that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attune.measure.texts import rouge_l
from attune.tune.check import Taught
from attune.tune.lesson import Lesson, Teacher
from attune.tune.train import Answering

_MOST_TOKENS = 160
"""A longer answer is compared by its beginning: each token costs a step of the whole model."""


class Samples:
    """The first examples of free text among those held out, `most` of them."""

    def __init__(self, held_out: Sequence[Taught], teacher: Teacher, most: int) -> None:
        self._teacher = teacher
        plain = [each for each in held_out if each.example.task.plain]
        self._lessons: list[Lesson] = [each.lessons[0] for each in plain[:most]]

    def said(self, answer: Answering) -> Mapping[str, Any]:
        """What the figures of an epoch keep: the answers, the words they should have had, and ROUGE-L."""
        if not self._lessons:
            return {}
        wanted = [each.answer[:-1][:_MOST_TOKENS] for each in self._lessons]
        said = answer([each.prompt for each in self._lessons], max(map(len, wanted)))
        rows = [
            {"ref": each.name, "said": self._teacher.text(ids[: len(gold)]), "gold": self._teacher.text(gold)}
            for each, ids, gold in zip(self._lessons, said, wanted, strict=True)
        ]
        scores = [rouge_l(row["gold"], row["said"]) for row in rows]
        return {"rougeL": round(sum(scores) / len(scores), 2), "samples": rows}
