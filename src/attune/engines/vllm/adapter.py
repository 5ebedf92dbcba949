"""A LoRA in the form that vLLM takes: one rank for all modules, one of those it has kernels for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attune.errors import EngineError
from attune.lora import Factors, read, write

_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


def written(adapter: Path, target: Path) -> int:
    """Writes the adapter in the PEFT folder `adapter` to the new folder `target` and returns its rank there.

    Scales, which vLLM reads as one for all modules, are in the weights; zeros fill up the smaller ranks.
    Raises EngineError for an adapter that cannot be read, or is too wide.
    """
    factors = read(adapter)
    widest = max(added.a.shape[0] for added in factors.values())
    rank = next((rank for rank in _RANKS if rank >= widest), 0)
    if not rank:
        raise EngineError(f"{adapter}: a LoRA of rank {widest}; vLLM serves them up to rank {_RANKS[-1]}.")
    write(target, {name: _padded(added, rank) for name, added in factors.items()}, "")
    return rank


def _padded(added: Factors, rank: int) -> Factors:
    more = rank - added.a.shape[0]
    return Factors(np.pad(added.a, ((0, more), (0, 0))), np.pad(added.b, ((0, 0), (0, more))), added.scale)
