"""Tune: the pretrained model learns the product's tasks; only what it decides counts, not the prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from recipes.pocket import pretrain, rows
from recipes.pocket.model import Pocket
from recipes.pocket.shape import SHAPES
from recipes.pocket.training import Batch, Budget, Rates, Run, next_tokens

RATES = Rates(matrices=0.005, rest=0.001)
ON_RATES = Rates(matrices=0.0025, rest=0.0005)
"""Half of it, for a model that has been tuned before."""


def tune(
    work: Path,
    size: str,
    budget: Budget,
    seed: int,
    step_rows: int,
    at_once: int,
    tuned: Path | None = None,
) -> bool:
    """Trains on the lessons of `work`, pass after pass; whether it is done.

    It begins with the pretrained weights, or goes on from the Hugging Face files in the folder `tuned`.
    """
    torch.manual_seed(seed)
    ids, counts = rows.lessons(work)

    def batches(step: int) -> list[Batch]:
        drawn = np.arange(step * step_rows, (step + 1) * step_rows) % len(ids)
        parts = [drawn[start : start + at_once] for start in range(0, step_rows, at_once)]
        return [next_tokens(ids[part], counts[part]) for part in parts]

    model = Pocket(SHAPES[size])
    model.load(load_file(tuned / "model.safetensors" if tuned else pretrain.weights(work, size)))
    run = Run(model, work / f"tune-{size}", batches, budget, ON_RATES if tuned else RATES)
    done = run.train()
    if done:
        save_file(
            {name: each.cpu().contiguous() for name, each in model.weights().items()}, weights(work, size)
        )
    return done


def weights(work: Path, size: str) -> Path:
    return work / f"tune-{size}" / "model.safetensors"
