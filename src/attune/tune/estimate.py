"""Estimate: the memory that a training needs, before a weight is read, and its time, by a step on trial."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

from attune.engines.paged.sizes import this_machine
from attune.errors import TuneError
from attune.tune.attention import NAME
from attune.tune.lesson import Lesson
from attune.tune.model import PIECE, Model, adapted, architecture, dtype, load
from attune.tune.settings import Settings

_WHILE = 400_000_000
"""Bytes of the process itself: Python, PyTorch and Transformers."""
_QUARTER = 0.28
"""Of a weight's two bytes what four bits and their scales take."""
_OF_HELD_OUT = 1 / 3
"""Of the time of a lesson's step what reading it alone takes: there is no way back."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes at the peak of a step, by what they are for."""

    weights: int
    adapter: int
    """The adapter's matrices, their gradients and AdamW's two moments."""
    activations: int
    """What the way back needs of the longest batch."""
    logits: int
    process: int = _WHILE

    @property
    def all(self) -> int:
        return self.weights + self.adapter + self.activations + self.logits + self.process


@dataclass(frozen=True, slots=True)
class Estimate:
    """`seconds` is for all epochs: fewer where it stops early."""

    memory: Memory
    seconds: float


def estimate(
    base: Path, lessons: Sequence[Lesson], held_out: Sequence[Lesson], settings: Settings
) -> Estimate:
    """What a training will need. Loads the base and learns one batch of middle length, for its time.

    Raises TuneError where there is too little memory, before anything is loaded, and as `model.load` does.
    """
    needed = memory(base, lessons, settings)
    fits(needed)
    return Estimate(needed, seconds(load(base, settings), lessons, held_out, settings))


def memory(base: Path, lessons: Sequence[Lesson], settings: Settings) -> Memory:
    """What a training of `lessons` needs, by running its longest batch with tensors that have no memory.

    Raises TuneError as `model.load` does.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = transformers.AutoConfig.from_pretrained(base, local_files_only=True)
    kind = dtype(device)
    with torch.device("meta"):
        core = architecture(base).from_config(config, dtype=kind, attn_implementation=NAME)
        model = adapted(core, base, torch.device("meta"), settings)
    added = sum(each.numel() for each in model.trainable)
    sizes = {name: each.numel() * each.element_size() for name, each in core.named_parameters()}
    held = sum(sizes.values()) - 4 * added
    if settings.four_bit:
        linear = sum(size for name, size in sizes.items() if name.endswith("base_layer.weight"))
        held -= int((1 - _QUARTER) * linear)
    longest = sorted(lessons, key=len)[-settings.batch :]
    saved = _saved(model, longest)
    if settings.gradient_checkpointing:
        saved += saved // 2  # one layer's own, at the worst of as many as it has
    return Memory(
        weights=held,
        adapter=4 * 4 * added,
        activations=saved,
        logits=5 * 4 * PIECE * config.get_text_config().vocab_size,
    )


def fits(needed: Memory) -> None:
    """Raises TuneError where there is less memory, saying what to change."""
    cuda = torch.cuda.is_available()
    free = torch.cuda.mem_get_info()[0] if cuda else this_machine().memory
    if needed.all <= free:
        return
    where = "on the GPU" if cuda else "here"
    raise TuneError(
        f"this tuning needs some {_gb(needed.all)} of memory, and {_gb(free)} are free {where}: "
        f"the model {_gb(needed.weights)}, the adapter {_gb(needed.adapter)}, the longest batch "
        f"{_gb(needed.activations + needed.logits)}. Take a smaller batch, shorter lessons (max_tokens), "
        "gradient_checkpointing, or a smaller model."
    )


def seconds(model: Model, lessons: Sequence[Lesson], held_out: Sequence[Lesson], settings: Settings) -> float:
    """How long all epochs take, by the time of one batch of middle length; its gradient is thrown away."""
    middle = sorted(lessons, key=len)[len(lessons) // 2 :][: settings.batch]
    began = time.perf_counter()
    model.learn(middle, 1.0)
    took = (time.perf_counter() - began) / sum(map(len, middle))
    model.peft.zero_grad()
    tokens = sum(map(len, lessons)) + _OF_HELD_OUT * sum(map(len, held_out))
    return took * tokens * settings.epochs


def _saved(model: Model, lessons: Sequence[Lesson]) -> int:
    """Bytes that PyTorch keeps for the way back, each tensor once, without the weights."""
    weights = {id(each) for each in model.peft.parameters()}
    kept: dict[int, int] = {}
    alive = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in weights:
            kept[id(tensor)] = tensor.numel() * tensor.element_size()
            alive.append(tensor)  # or another could get its id
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.hidden(lessons)
    return sum(kept.values())


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
