"""Pretrain: the model learns to say the next token of every row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from recipes.pocket import rows
from recipes.pocket.model import Pocket
from recipes.pocket.shape import SHAPES
from recipes.pocket.training import Batch, Budget, Rates, Run, next_tokens

_HELD_OUT = 64


def pretrain(work: Path, size: str, budget: Budget, seed: int, step_rows: int, at_once: int) -> bool:
    """Trains on the rows of `work`, `step_rows` of them a step, `at_once` at a time; whether it is done."""
    torch.manual_seed(seed)
    whole = rows.text(work)
    learned, held_out = whole[:-_HELD_OUT], whole[-_HELD_OUT:]
    each_pass = len(learned) // step_rows

    def batches(step: int) -> list[Batch]:
        turn, place = divmod(step, each_pass)
        order = np.random.default_rng((seed, turn)).permutation(len(learned))
        drawn = learned[order[place * step_rows : (place + 1) * step_rows]]
        return [next_tokens(drawn[start : start + at_once]) for start in range(0, step_rows, at_once)]

    folder = work / f"pretrain-{size}"
    run = Run(Pocket(SHAPES[size]), folder, batches, budget, Rates(), next_tokens(held_out))
    done = run.train()
    if done:
        save_file(
            {name: each.cpu().contiguous() for name, each in run.model.weights().items()}, weights(work, size)
        )
    return done


def weights(work: Path, size: str) -> Path:
    return work / f"pretrain-{size}" / "model.safetensors"
