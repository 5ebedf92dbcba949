"""One decoder of Transformers with its key-value cache: rows of tokens in, logits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from attune.engines.paged.model import Logits, Row
from attune.engines.torch.adapter import branch
from attune.engines.torch.attention import NAME
from attune.engines.torch.cache import Cache
from attune.engines.torch.loading import loaded
from attune.engines.torch.step import Step

_PROBE = Row([0], 0, [0], 1)


class TorchModel:
    """A PagedModel of the Hugging Face folder `folder`, with `adapter` if there is one."""

    def __init__(self, folder: Path, adapter: Path | None, device: Any, kind: Any) -> None:
        self._device = device
        self._model = loaded(transformers.AutoModelForCausalLM, folder, device, kind, NAME)
        if adapter:
            branch(self._model, adapter)
        self._cache = Cache(1)
        # What the layers keep is seen by running a token.
        self.vocabulary = self.infer([_PROBE])[0].shape[1]
        self.block_bytes = self._cache.nbytes

    def allocate(self, blocks: int) -> None:
        """Makes the cache. On the CPU a block takes no memory before it is first written."""
        self._cache = Cache(blocks)
        self.infer([_PROBE])

    def copy_blocks(self, sources: list[int], targets: list[int]) -> None:
        with torch.inference_mode():
            self._cache.copy(sources, targets)

    def infer(self, rows: list[Row]) -> tuple[Logits, Logits]:
        with torch.inference_mode():
            step = Step(rows, self._device, together=self._device.type != "cpu")
            self._cache.slots = step.slots
            logits = (
                self._model(
                    input_ids=step.ids[None],
                    position_ids=step.positions[None],
                    past_key_values=self._cache,
                    use_cache=True,
                    logits_to_keep=step.wanted,
                    step=step,
                )
                .logits[0]
                .float()
            )
            likely = logits[step.scored].log_softmax(-1).gather(1, step.following[:, None])[:, 0]
        return logits.cpu().numpy(), likely.cpu().numpy()
