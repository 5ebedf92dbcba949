"""What the layers keep of the tokens: blocks of keys and values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from attune.engines.paged.blocks import BLOCK_TOKENS


class Cache:
    """Keys and values in `blocks` blocks: [blocks, BLOCK_TOKENS, heads, size] for each layer with its own.

    It takes the place of Transformers' cache: a layer gives it what is new and goes on with all that is
    there, from which `attention` picks. So layers that share another's keys (Gemma 4) get those as usual.
    A layer's blocks are made when it first asks.
    """

    def __init__(self, blocks: int) -> None:
        self._blocks = blocks
        self._layers: dict[int, tuple[Any, Any]] = {}
        self.slots: Any = None
        """Where the tokens of the step go: block * BLOCK_TOKENS + place in it, for each."""

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for pair in self._layers.values() for each in pair)

    def update(self, keys: Any, values: Any, layer: int, *_: Any, **__: Any) -> tuple[Any, Any]:
        """As Transformers calls it: `keys` and `values` are [1, heads, tokens, size]."""
        if layer not in self._layers:
            self._layers[layer] = self._made(keys), self._made(values)
        for kept, new in zip(self._layers[layer], (keys, values), strict=True):
            kept.flatten(0, 1).index_copy_(0, self.slots, new[0].transpose(0, 1))
        return self._layers[layer]

    def copy(self, sources: list[int], targets: list[int]) -> None:
        """Copies blocks, all at once."""
        for pair in self._layers.values():
            for kept in pair:
                kept[targets] = kept[sources]

    def _made(self, new: Any) -> Any:
        shape = (self._blocks, BLOCK_TOKENS, new.shape[1], new.shape[3])
        if new.device.type != "cpu":
            return torch.zeros(shape, dtype=new.dtype, device=new.device)
        # The system's zeros: a block takes no memory before it is first written.
        memory = np.zeros(int(np.prod(shape)) * new.itemsize, np.uint8)
        return torch.from_numpy(memory).view(new.dtype).view(shape)
