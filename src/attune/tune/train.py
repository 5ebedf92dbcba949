"""Train: an adapter for a base model, from lessons in tokens. It can be killed at any time and goes on.

What is learned is the trained tokens of the lessons' answers and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from attune.errors import TuneError
from attune.tune.lesson import Lesson
from attune.tune.settings import Settings
from attune.visible import visible


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is. `loss` is this step's alone; `tokens` and `seconds` are those of all sittings."""

    step: int
    steps: int
    epoch: int
    loss: float
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Epoch:
    """The figures of one pass, from 1: mean loss (nats) and share of right tokens, over trained tokens.

    `loss` and `accuracy` were taken while it trained; those held out after the pass, None where nothing is.
    `more` is what the watch measured, kept with the figures.
    """

    epoch: int
    loss: float
    accuracy: float
    held_out_loss: float | None
    held_out_accuracy: float | None
    seconds: float
    more: Mapping[str, Any] = field(default_factory=dict)


class Answering(Protocol):
    """Greedy answers of the model as it stands: the tokens after each prompt, without the end's token."""

    def __call__(self, prompts: Sequence[Sequence[int]], most: int) -> list[list[int]]: ...


class Watch(Protocol):
    """Who looks on while it trains."""

    def step(self, done: Step) -> None:
        """After each step of the optimizer."""

    def epoch(self, figures: Epoch, answer: Answering) -> Mapping[str, Any]:
        """After each epoch; what is given back must be JSON, and becomes the figures' `more`.

        Called once for an epoch, unless the process dies before its checkpoint is written: then again.
        """


def train(
    base: Path,
    lessons: Sequence[Lesson],
    held_out: Sequence[Lesson],
    settings: Settings,
    folder: Path,
    watch: Watch,
) -> list[Epoch]:
    """Trains an adapter for the model of Hugging Face's files in `base`; the figures of all epochs.

    Writes `folder`/epochs/01 and so on, each in PEFT's standard format, and `folder`/checkpoint, from
    which the same call goes on after a kill: it ends with the same bytes as one that was left in peace, on
    the same machine with the same number of threads. Once all is done the same call gives the same figures
    and trains nothing. `choose.choose` says which epoch is best; whoever has chosen removes the checkpoint.

    Without `held_out` it trains all epochs; with it, until `settings.patience` epochs were no better.

    Raises TuneError, saying what to do: no lesson, one without a trained token or over `settings.max_tokens`,
    a base of an unknown family or that cannot be read, too little memory, a checkpoint of other lessons.
    """
    from attune.tune.model import load  # torch takes seconds to import
    from attune.tune.sitting import Sitting

    check(lessons, settings.max_tokens)
    check(held_out, settings.max_tokens, needed=False)
    return Sitting(load(base, settings), lessons, held_out, settings, folder, watch).run()


def check(lessons: Sequence[Lesson], max_tokens: int, needed: bool = True) -> None:
    """Raises TuneError for what cannot be trained on, naming it."""
    if needed and not lessons:
        raise TuneError("there is no lesson to train on.")
    for each in lessons:
        if not any(each.trained):
            raise TuneError(f"{visible(each.name)}: nothing of its answer is trained on; leave it out.")
        if len(each) > max_tokens:
            raise TuneError(
                f"{visible(each.name)} has {len(each):,} tokens, and max_tokens is {max_tokens:,}: "
                "shorten it, leave it out, or raise max_tokens."
            )
