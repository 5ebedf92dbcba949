"""Finds and loads a model as KerasHub does: its presets, Kaggle's, Hugging Face's, or a folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attune.engines.keras.library import keras_hub
from attune.engines.keras.lora import merge
from attune.engines.keras.spm import definition
from attune.engines.paged.folder import Folder, described, json_object
from attune.errors import EngineError

_LIST = "https://keras.io/keras_hub/presets/"
_EVERY = {"gemma2": 2, "gemma3_text": 6}
"""KerasHub gives every such layer of the family the whole context, whatever a config says."""
_UNLIMITED = 2**31
"""KerasHub knows no longest context of a Gemma."""


def load(preset: str, dtype: str = "", adapter: Path | None = None, processors: int = 0) -> Any:
    """The KerasHub CausalLM of `preset`, in `dtype` ("bfloat16", "float32", …; by default bfloat16, and
    float32 on a CPU), the LoRA in the file `adapter` in its weights.

    Raises EngineError, saying what is to be done, where there is no such model or it cannot be had.
    """
    hub = keras_hub(processors)
    import jax

    if _is_hugging_face(preset):
        _check_layers(Path(preset))
    try:
        backbone = hub.models.Backbone.from_preset(
            preset, dtype=dtype or ("float32" if jax.default_backend() == "cpu" else "bfloat16")
        )
        # Its CausalLM.from_preset takes a Gemma 4 now for one class, now for another, a draft model.
        kind = getattr(hub.models, type(backbone).__name__.replace("Backbone", "CausalLM"))
        model = kind(backbone=backbone, preprocessor=None)
    except Exception as error:  # it passes on what Kaggle, Hugging Face and HDF5 raise
        raise EngineError(_advice(preset, hub.models.CausalLM.presets, error)) from error
    if adapter:
        merge(model.backbone, adapter)
    return model


@contextmanager
def vocabulary(preset: str, model: Any) -> Iterator[Folder]:
    """A folder with the tokenizer of `preset`, which lasts as long as the context."""
    if _is_hugging_face(preset):
        yield described(Path(preset))
        return
    with warnings.catch_warnings():  # it reads a file and does not close it
        warnings.simplefilter("ignore", ResourceWarning)
        tokenizer = keras_hub().tokenizers.Tokenizer.from_preset(preset)
    with TemporaryDirectory(prefix="attune-") as name:
        folder = Path(name)
        made = json.dumps(definition(tokenizer.proto))
        (folder / "tokenizer.json").write_text(made, encoding="utf-8")
        yield Folder(
            path=folder,
            context_tokens=_UNLIMITED,
            bos=tokenizer.start_token_id,
            ends=frozenset({tokenizer.end_token_id}),
            vocabulary=int(model.backbone.vocabulary_size),
        )


def _is_hugging_face(preset: str) -> bool:
    """Whether `preset` is a folder of Hugging Face's kind; in KerasHub's tokenizer.json is another thing."""
    config = Path(preset) / "config.json"
    return config.is_file() and "model_type" in json_object(config)


def _check_layers(folder: Path) -> None:
    config = json_object(folder / "config.json")
    every = _EVERY.get(str(config.get("model_type")))
    whole = [layer for layer, kind in enumerate(config.get("layer_types") or []) if kind == "full_attention"]
    if every and whole != list(range(every - 1, int(config["num_hidden_layers"]), every)):
        raise EngineError(
            f"{folder}: KerasHub gives every layer whose number {every} divides the whole context, and this "
            "model's config.json gives it to others (layer_types): run it with another engine, like torch:."
        )


def _advice(preset: str, presets: dict[str, Any], error: Exception) -> str:
    reason = " ".join(str(error).split())[:300]
    if preset.startswith("hf://"):
        page = f"https://huggingface.co/{preset.removeprefix('hf://')}"
        return (
            f"{preset} could not be fetched or read: {reason} Look whether it is there, and accept its "
            f"licence if it has one: {page}. Then log in with: hf auth login"
        )
    if preset.startswith("kaggle://") or preset in presets:
        handle = presets.get(preset, {}).get("kaggle_handle", preset).removeprefix("kaggle://")
        page = "https://www.kaggle.com/models/" + "/".join(handle.split("/")[:2])
        return (
            f"{preset} could not be fetched or read: {reason} Accept its licence at {page}, make a token at "
            "https://www.kaggle.com/settings and log in with: python -c 'import kagglehub; kagglehub.login()'"
        )
    if Path(preset).is_dir():
        return f"{preset} cannot be read as a model of KerasHub or Hugging Face: {reason}"
    return (
        f"no preset and no folder is called {preset!r}. There are KerasHub's own, like gemma2_instruct_2b_en "
        f"({_LIST}), kaggle://OWNER/MODEL/keras/VARIANT, hf://OWNER/NAME, and folders."
    )
