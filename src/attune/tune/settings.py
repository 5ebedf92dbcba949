"""Settings: how an adapter is trained, each parameter declared once. Flags and docs are made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from attune.config import Option, declared, within
from attune.errors import BadConfig


@dataclass(frozen=True, slots=True)
class Settings:
    """LoRA (arXiv 2106.09685) in all linear layers, with AdamW. The defaults are for some twenty examples.

    Raises BadConfig for a value that is out of its range.
    """

    rank: Annotated[int, Option("Rank of the adapter's matrices.", 1, 1024)] = 8
    alpha: Annotated[float, Option("The adapter counts alpha / rank times.", 0.001, 10_000)] = 16.0
    dropout: Annotated[float, Option("Share of the adapter's inputs that a step leaves out.", 0, 0.9)] = 0.0
    learning_rate: Annotated[float, Option("The highest learning rate.", 1e-8, 1)] = 5e-4
    weight_decay: Annotated[
        float, Option("Decay of the adapter's matrices; biases and norms have none.", 0, 1)
    ] = 0.01
    warmup: Annotated[
        float, Option("Share of the steps in which the learning rate rises; then it falls to 0.", 0, 1)
    ] = 0.1
    epochs: Annotated[int, Option("Most passes over the examples.", 1, 10_000)] = 20
    patience: Annotated[
        int, Option("Epochs without a better held-out loss that end the training; 0 is off.", 0, 10_000)
    ] = 5
    batch: Annotated[int, Option("Lessons that go through the model at once.", 1, 10_000)] = 4
    accumulate: Annotated[int, Option("Batches of one step of the optimizer.", 1, 10_000)] = 1
    max_tokens: Annotated[
        int, Option("Most tokens of one lesson, prompt and answer together.", 8, 1_000_000)
    ] = 1024
    gradient_checkpointing: Annotated[
        bool, Option("Less memory, a third more time: activations are computed again on the way back.")
    ] = False
    four_bit: Annotated[bool, Option("Hold the base in 4 bits. Needs CUDA and bitsandbytes.")] = False
    seed: Annotated[int, Option("The same seed, data and machine give the same adapter.", 0, 2**31 - 1)] = 0

    def __post_init__(self) -> None:
        for name, option in options().items():
            value = getattr(self, name)
            if option.kind is not bool and not within(option, value):
                raise BadConfig(f"{name}: {value!r} is out of range; it can be {option.range}")


@cache
def options() -> Mapping[str, Option]:
    """The settings by name, in the order of their declaration."""
    return declared(Settings)
