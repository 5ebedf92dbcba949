"""Parts: the trainings of one tuning, those that hold examples out and the one whose epochs are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attune.tune.check import Taught
from attune.tune.folds import folds
from attune.tune.train import Epoch


@dataclass(frozen=True, slots=True)
class Part:
    """One training, in its own folder: what it trains on, and what it holds out."""

    name: str
    folder: Path
    taught: tuple[Taught, ...]
    held_out: tuple[Taught, ...] = ()


def parts(taught: Sequence[Taught], work: Path, seed: int, wanted: int | None) -> list[Part]:
    """The trainings, the last of which is the one that is kept: after k folds that is one on all examples."""
    made = folds([each.example.chat.digest for each in taught], seed, wanted)
    held_out = [
        Part(
            f"fold {number} of {len(made)}" if len(made) > 1 else "",
            work / f"fold-{number}",
            tuple(taught[place] for place in fold.trained),
            tuple(taught[place] for place in fold.held_out),
        )
        for number, fold in enumerate(made, start=1)
    ]
    return held_out if len(held_out) == 1 else [*held_out, Part("all examples", work / "all", tuple(taught))]


def averaged(epochs: Sequence[Epoch], folds: Sequence[Sequence[Epoch]]) -> Iterator[Epoch]:
    """The epochs of the training on all examples, with the means of what the folds held out after as many;
    without them after the first epoch that some fold has not, since it was no better for a while."""
    for each in epochs:
        there = [fold[each.epoch - 1] for fold in folds if len(fold) >= each.epoch]
        whole = bool(there) and len(there) == len(folds)
        yield replace(each, **_means(there)) if whole else each


def _means(there: Sequence[Epoch]) -> dict[str, Any]:
    scores = [each.more["rougeL"] for each in there if "rougeL" in each.more]
    samples = [row for each in there for row in each.more.get("samples", ())]
    return {
        "held_out_loss": _mean([each.held_out_loss for each in there]),
        "held_out_accuracy": _mean([each.held_out_accuracy for each in there]),
        "more": {"rougeL": _mean(scores), "samples": samples} if scores else {},
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
