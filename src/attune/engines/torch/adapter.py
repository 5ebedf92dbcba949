"""A LoRA put beside a model's linear layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from attune.lora import fitting


def branch(model: Any, adapter: Path) -> None:
    """Adds what the adapter in the PEFT folder `adapter` adds to the outputs of its modules, as PEFT does
    unmerged: the weights stay as they are, and in bfloat16 nothing of the adapter is rounded away in them.

    Raises EngineError for an adapter that cannot be read or does not fit.
    """
    linear = {name: each for name, each in model.named_modules() if isinstance(each, torch.nn.Linear)}
    linear.pop("lm_head", None)  # it may be the embedding too
    shapes = {name: tuple(each.weight.shape) for name, each in linear.items()}
    for name, added in fitting(adapter, shapes).items():
        weight = linear[name].weight
        narrow, wide = (torch.from_numpy(each).to(weight) for each in (added.a, added.b * added.scale))
        linear[name].register_forward_hook(_adding(narrow.T, wide.T))


def _adding(narrow: Any, wide: Any) -> Any:
    return lambda _, given, out: out + given[0] @ narrow @ wide
