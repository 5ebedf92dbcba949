"""A model of Transformers, from its folder to its device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers

from attune.errors import EngineError, told
from attune.lora import named

_OF_A_PART = {r"^(model\.language_model|language_model\.model)\.": "model."}
"""How weights are called in a model of images and text, and how in one of text."""


def loaded(maker: Any, folder: Path, device: Any, kind: Any, attention: str = "sdpa") -> Any:
    """The model of text in `folder`, also where it is part of one of images: `maker` is the class of
    Transformers that finds its own. Raises EngineError where it cannot be loaded, or not all of it.
    """
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()  # a report of a hundred lines on what is left out
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        model, report = maker.from_pretrained(
            folder,
            config=config if config.is_encoder_decoder else config.get_text_config(),
            key_mapping=_OF_A_PART,
            dtype=kind,
            attn_implementation=attention,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise EngineError(f"{folder}: Transformers cannot load this model: {told(error)}") from error
    if missing := report["missing_keys"]:
        raise EngineError(f"{folder}: the weights of {named(missing)} are missing: fetch the model again.")
    return model.to(device).eval()
