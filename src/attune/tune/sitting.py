"""Sitting: the loop of a training, from its checkpoint to its end or to the next kill."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, replace
from pathlib import Path

import peft
import torch

from attune.tune import checkpoint
from attune.tune.checkpoint import State
from attune.tune.choose import enough
from attune.tune.lesson import Lesson
from attune.tune.model import Model, Said
from attune.tune.settings import Settings
from attune.tune.train import Epoch, Step, Watch

_SAVED_S = 30.0
"""So often an epoch that takes longer is saved in between."""
_CLIP = 1.0
"""The longest gradient of a step; a longer one is scaled down to it."""


class Sitting:
    """A model, its lessons, and how far it has come with them."""

    def __init__(
        self,
        model: Model,
        lessons: Sequence[Lesson],
        held_out: Sequence[Lesson],
        settings: Settings,
        folder: Path,
        watch: Watch,
    ) -> None:
        self._model, self._settings, self._watch = model, settings, watch
        self._lessons, self._held_out = lessons, held_out
        self._folder = folder
        self._key = checkpoint.key(model.base, lessons, held_out, settings)
        self._optimizer = torch.optim.AdamW(
            model.trainable, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._state = checkpoint.load(folder, self._key) or State()
        if self._state.adapter:
            peft.set_peft_model_state_dict(model.peft, self._state.adapter)
            self._optimizer.load_state_dict(self._state.optimizer)
        self._epochs = [Epoch(**each) for each in self._state.epochs]
        per_step = settings.batch * settings.accumulate
        self._per_epoch = -(-len(lessons) // per_step)
        self._steps = self._per_epoch * settings.epochs
        self._began = time.monotonic() - self._state.seconds
        self._saved = time.monotonic()

    def run(self) -> list[Epoch]:
        while len(self._epochs) < self._settings.epochs and not enough(self._epochs, self._settings.patience):
            self._epoch(len(self._epochs) + 1)
        return self._epochs

    def _epoch(self, epoch: int) -> None:
        batches = self._batches(epoch)
        every = self._settings.accumulate
        steps = [batches[start : start + every] for start in range(0, len(batches), every)]
        for step in steps[self._state.step - (epoch - 1) * self._per_epoch :]:
            self._step(epoch, step)
            if time.monotonic() - self._saved > _SAVED_S:
                self._save()
        self._end(epoch)

    def _step(self, epoch: int, batches: Sequence[Sequence[Lesson]]) -> None:
        """One step of the optimizer. Each trained token of its batches counts the same."""
        trained = sum(sum(each.trained) for batch in batches for each in batch)
        torch.manual_seed(self._settings.seed + self._state.step)  # what is left out is the step's alone
        said = sum((self._model.learn(batch, 1 / trained) for batch in batches), Said())
        torch.nn.utils.clip_grad_norm_(self._model.trainable, _CLIP)
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * self._rate(self._state.step)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._state.step += 1
        self._state.tokens += said.read
        self._state.running = astuple(Said(*self._state.running) + said)
        told = (self._steps, epoch, said.loss / trained, self._state.tokens, self._seconds())
        self._watch.step(Step(self._state.step, *told))

    def _rate(self, step: int) -> float:
        """The part of the highest rate: straight up, then straight down to nothing."""
        warm = max(1, round(self._settings.warmup * self._steps))
        return min((step + 1) / warm, (self._steps - step) / max(1, self._steps - warm))

    def _end(self, epoch: int) -> None:
        """The epoch's figures, its adapter, and the checkpoint, in this order: what a kill leaves half done
        is done again."""
        trained, held = Said(*self._state.running), self._held()
        loss, accuracy = _means(held) if held else (None, None)
        figures = Epoch(epoch, *_means(trained), loss, accuracy, self._seconds())
        figures = replace(figures, more=self._watch.epoch(figures, self._model.answer))
        self._model.save(self._folder / "epochs" / f"{epoch:02}")
        self._epochs.append(figures)
        self._state.epochs.append(asdict(figures))
        self._state.running = astuple(Said())
        self._save()

    def _held(self) -> Said | None:
        size = self._settings.batch
        pieces = (self._held_out[start : start + size] for start in range(0, len(self._held_out), size))
        return sum(map(self._model.read, pieces), Said()) if self._held_out else None

    def _batches(self, epoch: int) -> list[Sequence[Lesson]]:
        """The lessons in the epoch's own order; those of one example stay together, since they share most."""
        groups: dict[str, list[Lesson]] = {}
        for number, each in enumerate(self._lessons):
            groups.setdefault(each.name or str(number), []).append(each)
        order = list(groups.values())
        random.Random(f"{self._settings.seed} {epoch}").shuffle(order)  # noqa: S311 - no secret
        drawn = [each for group in order for each in group]
        return [
            drawn[start : start + self._settings.batch]
            for start in range(0, len(drawn), self._settings.batch)
        ]

    def _save(self) -> None:
        state = self._state
        state.seconds = self._seconds()
        state.adapter, state.optimizer = self._model.adapter(), self._optimizer.state_dict()
        checkpoint.save(self._folder, self._key, state)
        self._saved = time.monotonic()

    def _seconds(self) -> float:
        return round(time.monotonic() - self._began, 3)


def _means(said: Said) -> tuple[float, float]:
    return said.loss / said.trained, said.right / said.trained
