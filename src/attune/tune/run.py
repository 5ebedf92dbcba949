"""The run: from examples to an adapter's folder, which is there whole at the end or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from attune.adapters.kept import epoch_folder, new_folder, served
from attune.adapters.record import EPOCHS, Record, TaskOf
from attune.measure.evaluation import Evaluation
from attune.measure.rows import Row
from attune.task import Task
from attune.tune.base import Base
from attune.tune.check import Checked, Taught, check, ready
from attune.tune.choose import choose
from attune.tune.evaluate import answers, compared
from attune.tune.examples import Example, Refused
from attune.tune.folder import Made, write
from attune.tune.parts import Part, averaged, parts
from attune.tune.samples import Samples
from attune.tune.settings import Settings
from attune.tune.train import Answering, Epoch, Step, train

if TYPE_CHECKING:
    from attune.tune.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted of one tuning."""

    name: str
    base: Base
    task: tuple[str, Task]
    """What is trained, and how it is called."""
    settings: Settings
    adapters: Path
    epoch: int = 0
    """The epoch that is to serve; 0 lets the held-out examples choose."""
    folds: int | None = None
    samples: int = 2
    """Held-out examples of each part that are answered after every epoch."""
    skip_bad: bool = False
    license: str = ""
    timeout_s: float = 120.0

    @property
    def work(self) -> Path:
        """Where it is worked in: a run that was killed goes on from there."""
        return self.adapters / f".{self.name}.tuning"


class Watching(Protocol):
    """Who looks on."""

    def checked(self, found: Checked) -> None:
        """Once, before anything runs."""

    def planned(self, parts: Sequence[Part], needed: Estimate) -> None:
        """What will be trained, one after the other, and what memory and time all of it needs at most."""

    def part(self, part: Part) -> None:
        """Which of them is trained next."""

    def step(self, done: Step) -> None: ...

    def epoch(self, figures: Epoch) -> None: ...

    def tell(self, what: str, fraction: float) -> None:
        """What else is done, and how much of it."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of it."""

    folder: Path
    record: Record
    evaluation: Evaluation | None
    warnings: tuple[str, ...]


def tune(plan: Plan, found: Iterable[Example | Refused], watch: Watching) -> Tuned:
    """Tunes an adapter: check, fold by fold, all examples, the best epoch, the figures, the folder.

    All is written into `plan.work`, of which the adapter's folder is made by a rename at the end. Killed at
    any moment, the same call goes on. Raises AttuneError for a name that is taken, examples that cannot be
    trained on, and whatever `train` refuses.
    """
    target = new_folder(plan.name, plan.adapters)
    checked = check(found, plan.base.teacher, plan.settings.max_tokens)
    watch.checked(checked)
    ready(checked, plan.skip_bad)
    planned = parts(checked.taught, plan.work, plan.settings.seed, plan.folds)
    watch.planned(planned, _estimate(plan, checked, planned))
    trained = [_trained(plan, part, watch) for part in planned]
    epochs = list(averaged(trained[-1], trained[:-1])) if len(planned) > 1 else trained[0]
    chosen = choose(epochs, plan.epoch)
    evaluation = _evaluated(plan, planned, chosen.epoch, watch)
    made = Made(
        name=plan.name,
        base=plan.base,
        task=TaskOf(plan.task[0], plan.task[1].version),
        settings=plan.settings,
        folds=sum(bool(part.held_out) for part in planned),
        held_out=len(planned[-1].held_out),
        checked=checked,
        epochs=epochs,
        chosen=chosen.epoch,
        warnings=chosen.warnings,
        evaluation=evaluation,
        license=plan.license,
    )
    record = write(made, planned[-1].folder)
    planned[-1].folder.rename(target)
    shutil.rmtree(plan.work, ignore_errors=True)
    return Tuned(target, record, evaluation, chosen.warnings)


def _estimate(plan: Plan, checked: Checked, planned: Sequence[Part]) -> Estimate:
    """What all parts need, each to its last epoch. Raises TuneError where there is too little memory."""
    from attune.tune.estimate import estimate  # torch takes seconds to import

    found = estimate(plan.base.folder, checked.lessons, (), plan.settings)
    often = sum(len(part.taught) for part in planned) / len(checked.taught)
    return replace(found, seconds=often * found.seconds)


def _trained(plan: Plan, part: Part, watch: Watching) -> list[Epoch]:
    samples = Samples(part.held_out, plan.base.teacher, plan.samples)
    watch.part(part)
    taught, held_out = (
        [lesson for each in side for lesson in each.lessons] for side in (part.taught, part.held_out)
    )
    return train(plan.base.folder, taught, held_out, plan.settings, part.folder, _Watch(samples, watch))


class _Watch:
    """Passes on what a training tells, and has it answer the samples."""

    def __init__(self, samples: Samples, watch: Watching) -> None:
        self._samples, self._watch = samples, watch
        self.step = watch.step

    def epoch(self, figures: Epoch, answer: Answering) -> Mapping[str, Any]:
        said = self._samples.said(answer)
        self._watch.epoch(replace(figures, more=said))
        return said


def _evaluated(plan: Plan, planned: Sequence[Part], epoch: int, watch: Watching) -> Evaluation | None:
    """Every held-out example, answered by the base and by the base with an adapter that never saw it."""
    holding = [part for part in planned if part.held_out]
    if not holding or not plan.base.evaluates:
        return None
    taught = [each for part in holding for each in part.held_out]
    base = _answers(plan, plan.base.evaluates, taught, "asking the base", watch)
    tuned: list[Row] = []
    for part in holding:
        last = len(list((part.folder / EPOCHS).iterdir()))
        address = served(plan.base.evaluates, epoch_folder(part.folder, min(epoch, last)))
        tuned += _answers(plan, address, part.held_out, f"asking with the adapter {part.name}", watch)
    return compared(taught, tuned, base, watch.tell)


def _answers(plan: Plan, address: str, taught: Sequence[Taught], what: str, watch: Watching) -> list[Row]:
    return answers(address, taught, plan.timeout_s, lambda done: watch.tell(what, done / len(taught)))
