"""From a Hugging Face folder of a T5 to one that CTranslate2 runs."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attune.address import load
from attune.errors import ModelError

FAMILIES = ("t5", "mt5")
"""What Transformers calls the models that can be converted: T5, FLAN-T5 and mT5."""
QUANTIZATIONS = ("int8", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32")


def check_family(source: Path) -> str:
    """The family of the model in `source`. Raises ModelError where it is not one of ours."""
    family = family_of(source)
    if family not in FAMILIES:
        raise ModelError(
            f"{source} holds a model of the family {family!r}, which CTranslate2 cannot run here: T5, "
            "FLAN-T5 and mT5 it can. A Gemma and its like run on the engine openvino: see docs/engines.md."
        )
    return family


def family_of(source: Path) -> str:
    """What Transformers calls the model in `source`. Raises ModelError where its config cannot be read."""
    return str(settings_of(source).get("model_type"))


def convert(source: Path, target: Path, quantization: str) -> None:
    """Writes the model of `source` to the new folder `target`, with its tokenizer.

    Raises ModelError, saying what is wrong with the model, or AttuneError for a library that is missing.
    """
    check_family(source)
    load("torch", "models")
    transformers = load("transformers", "models")
    converters = load("ctranslate2.converters", "models")
    unreadable = load("safetensors", "models").SafetensorError
    with quiet():
        try:
            _converter(converters.TransformersConverter, settings_of(source))(str(source)).convert(
                str(target), quantization=quantization
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(source)
            tokenizer.backend_tokenizer.save(str(target / "tokenizer.json"))
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, unreadable) as error:
            raise ModelError(f"{source} cannot be converted: {type(error).__name__}: {error}") from error


def settings_of(source: Path) -> dict[str, Any]:
    """The model's config.json. Raises ModelError where there is none that can be read."""
    path = source / "config.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not readable ({error}): is {source} a Hugging Face folder?") from error
    if not isinstance(settings, dict):
        raise ModelError(f"{path}: a JSON object is needed.")
    return settings


def _converter(base: Any, settings: dict[str, Any]) -> Any:
    """CTranslate2's converter, told the truth about the output's scale.

    The first T5 scales it, FLAN-T5 and mT5 do not. CTranslate2 tells them apart by
    `tie_word_embeddings`, which Transformers 5 sets for all of them.
    """
    by_default = settings.get("model_type") == "t5"
    scaled = settings.get("scale_decoder_outputs", settings.get("tie_word_embeddings", by_default))

    class Converter(base):  # type: ignore[misc]
        def load_model(self, *args: Any, **kwargs: Any) -> Any:
            model = super().load_model(*args, **kwargs)
            model.config.tie_word_embeddings = bool(scaled)
            return model

    return Converter


@contextmanager
def quiet() -> Iterator[None]:
    """Without the libraries' remarks and bars, which say nothing to a user of ours."""
    from transformers.utils import logging as theirs

    level, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity(logging.ERROR)
    theirs.disable_progress_bar()
    try:
        with warnings.catch_warnings():  # PEFT asks for what Transformers gave another name
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            warnings.filterwarnings("ignore", "Input and output embeddings are no longer tied", UserWarning)
            yield
    finally:
        theirs.set_verbosity(level)
        if bars:
            theirs.enable_progress_bar()
