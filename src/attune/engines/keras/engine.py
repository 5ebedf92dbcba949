"""The engine of a preset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from attune.engines.keras.model import KerasModel
from attune.engines.keras.preset import load, vocabulary
from attune.engines.paged import CONTEXT_TOKENS, PagedEngine
from attune.engines.paged.sizes import Machine, Sizes, this_machine


class KerasEngine(PagedEngine):
    """Runs a Gemma by KerasHub on JAX, on the first device that JAX finds.

    `preset` is one of KerasHub's, a Kaggle or Hugging Face address, or a folder (see `preset`); `adapter` is
    a file of LoRA weights as KerasHub keeps them. Sizes that are not given are chosen for the machine.

    Raises EngineError when the model cannot be had or run: the message says what to do.
    """

    def __init__(
        self,
        preset: str,
        name: str = "",
        *,
        adapter: Path | None = None,
        dtype: str = "",
        context_tokens: int = CONTEXT_TOKENS,
        step_tokens: int = 0,
        running: int = 0,
        cache_mb: int | None = None,
    ) -> None:
        machine = this_machine()
        model = load(preset, dtype, adapter, machine.quota)
        name = name or preset.rstrip("/").rpartition("/")[2]
        with vocabulary(preset, model) as folder:
            sizes = Sizes(step_tokens, running, cache_mb)
            super().__init__(KerasModel(model), folder, name, context_tokens, sizes, _with_device(machine))


def _with_device(machine: Machine) -> Machine:
    """`machine` with the memory of the accelerator, where there is one: the cache is there."""
    import jax

    told = jax.devices()[0].memory_stats()
    return replace(machine, memory=told["bytes_limit"] - told["bytes_in_use"]) if told else machine
