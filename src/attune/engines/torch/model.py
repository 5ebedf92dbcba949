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
from attune.engines.torch.step import Step
from attune.errors import EngineError, told
from attune.lora import named

_PROBE = Row([0], 0, [0], 1)
_OF_A_PART = {r"^(model\.language_model|language_model\.model)\.": "model."}
"""How weights are called in a model of images and text, and how in one of text."""


class TorchModel:
    """A PagedModel of the Hugging Face folder `folder`, with `adapter` if there is one."""

    def __init__(self, folder: Path, adapter: Path | None, device: Any, kind: Any) -> None:
        self._device = device
        self._model = _loaded(folder, device, kind)
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


def _loaded(folder: Path, device: Any, kind: Any) -> Any:
    """The decoder of text in `folder`, also where it is part of a model of images. Raises EngineError."""
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()  # a report of a hundred lines on what is left out
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        model, report = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            config=config.get_text_config(decoder=True),
            key_mapping=_OF_A_PART,
            dtype=kind,
            attn_implementation=NAME,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise EngineError(f"{folder}: Transformers cannot load this model: {told(error)}") from error
    if missing := report["missing_keys"]:
        raise EngineError(f"{folder}: the weights of {named(missing)} are missing: fetch the model again.")
    return model.to(device).eval()
