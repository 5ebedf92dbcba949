"""Training: the one loop that pretraining and tuning share; it can be stopped at any time and goes on.

Batches are a function of the step alone, and a checkpoint holds all else that changes, so a run that
was stopped ends as it would have, on the same machine with the same budget in tokens. A budget in
minutes counts the minutes spent training, over all sittings.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from recipes.pocket import curve
from recipes.pocket.model import Pocket

Ids = npt.NDArray[np.int64]
Batch = tuple[Ids, Ids, npt.NDArray[np.float32]]
"""Rows of tokens, for each token the one that should follow, and how much that counts."""
_WARM_UP = 0.02
_COOL_DOWN = 0.6


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: until either is spent. `piece` ends this sitting earlier, to be gone on with."""

    minutes: float = float("inf")
    tokens: float = float("inf")
    piece: float = float("inf")


@dataclass(slots=True)
class Progress:
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def done(self, budget: Budget) -> float:
        """How much of the budget is spent, from 0 to 1."""
        return min(1.0, max(self.seconds / 60 / budget.minutes, self.tokens / budget.tokens))


@dataclass(frozen=True, slots=True)
class Rates:
    """Learning rates. Muon trains the layers' matrices, AdamW the embedding and the norms."""

    matrices: float = 0.02
    rest: float = 0.003
    decay: float = 0.05
    clip: float = 1.0


@dataclass(slots=True)
class Run:
    """A model in training, in a folder with its checkpoint, its log and its curve."""

    model: Pocket
    folder: Path
    batches: Callable[[int], list[Batch]]
    budget: Budget
    rates: Rates = Rates()
    held_out: Batch | None = None
    checkpoint_s: float = 180.0
    compiled: bool = True
    progress: Progress = field(default_factory=Progress)

    def train(self) -> bool:
        """Trains until the budget is spent, or this sitting's piece of it; whether all of it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.set_float32_matmul_precision("high")
        self.model.to(device)
        optimizers = optimizers_of(self.model, self.rates)
        self._resume(optimizers, device)
        if self.compiled:
            self.model.compile()
        began, saved = time.monotonic(), time.monotonic()
        before = self.progress.seconds
        with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}") as bar:
            while (done := self.progress.done(self.budget)) < 1:
                bar.update(100 * done - bar.n)
                record = self._step(optimizers, schedule(done), device)
                self.progress.seconds = before + time.monotonic() - began
                self._log(record)
                bar.set_postfix_str(f"loss {record['loss']:.3f}, {record['tokens_per_s']:,.0f} tokens/s")
                ended = time.monotonic() - began > 60 * self.budget.piece
                if time.monotonic() - saved > self.checkpoint_s or ended:
                    self._save(optimizers, device)
                    saved = time.monotonic()
                if ended:
                    break
        self._save(optimizers, device)
        return self.progress.done(self.budget) >= 1

    def _step(self, optimizers: list[Any], rate: float, device: torch.device) -> dict[str, Any]:
        started = time.monotonic()
        batches = self.batches(self.progress.step)
        wanted = sum(float(counts.sum()) for *_, counts in batches)
        total = torch.zeros((), device=device)
        for batch in batches:
            share = float(batch[2].sum()) / wanted
            with torch.autocast(device.type, torch.bfloat16):
                loss = self.model.loss(*(_tensor(each, device) for each in batch)) * share
            loss.backward()
            total += loss.detach()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.rates.clip)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["top"] * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        tokens = sum(ids.size for ids, *_ in batches)
        self.progress.step += 1
        self.progress.tokens += tokens
        record = {"step": self.progress.step, "tokens": self.progress.tokens, "loss": float(total)}
        seconds = time.monotonic() - started
        return {**record, "norm": float(norm), "rate": rate, "tokens_per_s": tokens / seconds}

    def _log(self, record: dict[str, Any]) -> None:
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({**record, "seconds": round(self.progress.seconds, 1)}) + "\n")

    def _save(self, optimizers: list[Any], device: torch.device) -> None:
        """The checkpoint, written beside the old one and then put in its place."""
        progress = {name: getattr(self.progress, name) for name in ("step", "tokens", "seconds")}
        state = {"model": self.model.state_dict(), "progress": progress}
        state["optimizers"] = [optimizer.state_dict() for optimizer in optimizers]
        torch.save(state, self.folder / "checkpoint.new")
        os.replace(self.folder / "checkpoint.new", self.folder / "checkpoint.pt")
        if self.held_out is not None:
            self._log({"step": self.progress.step, "held_out": self._held_out_loss(device)})
        curve.draw(self.folder)

    def _resume(self, optimizers: list[Any], device: torch.device) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.progress = Progress(**state["progress"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        log = self.folder / "log.jsonl"
        kept = [
            line for line in log.read_text().splitlines() if json.loads(line)["step"] <= self.progress.step
        ]
        log.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    @torch.no_grad()
    def _held_out_loss(self, device: torch.device) -> float:
        assert self.held_out is not None
        with torch.autocast(device.type, torch.bfloat16):
            return float(self.model.loss(*(_tensor(each, device) for each in self.held_out)))


def optimizers_of(model: Pocket, rates: Rates) -> list[Any]:
    """Muon for the layers' matrices, AdamW for the rest; norms and embedding are not decayed."""
    layers = [each for each in model.layers.parameters() if each.dim() == 2]
    rest = [each for name, each in model.named_parameters() if each.dim() < 2 or "embed" in name]
    muon = torch.optim.Muon(layers, lr=rates.matrices, weight_decay=rates.decay, momentum=0.95)
    adam = torch.optim.AdamW(rest, lr=rates.rest, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    for optimizer in (muon, adam):
        for group in optimizer.param_groups:
            group["top"] = group["lr"]
    return [muon, adam]


def schedule(done: float) -> float:
    """The part of the top rate: up, level, then straight down to nothing."""
    return min(done / _WARM_UP + 0.01, 1.0, (1 - done) / _COOL_DOWN)


def next_tokens(rows: npt.NDArray[Any], counts: npt.NDArray[Any] | None = None) -> Batch:
    """Rows as they are read: each token is followed by the next, which counts 1 if nothing else is said."""
    wide = rows.astype(np.int64)
    counted = np.ones_like(wide) if counts is None else counts
    return wide[:, :-1], wide[:, 1:], counted[:, 1:].astype(np.float32)


def _tensor(array: npt.NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device, non_blocking=True)
