"""An adapter added to its model's weights for good, by PEFT."""

from __future__ import annotations

import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from attune.adapters.weights import check_base
from attune.address import load
from attune.errors import ModelError
from attune.lora import named
from attune.models.convert import quiet, settings_of

_BESIDE = (
    "tokenizer*",
    "special_tokens_map.json",
    "spiece.model",
    "chat_template*",
    "generation_config.json",
)


def merge(adapter: Path, base: Path, target: Path) -> None:
    """Writes the Hugging Face model of the folder `base`, the adapter in its weights, to the new folder
    `target`. It is added in float32 and kept in the type the weights have.

    Raises ModelError, saying what does not fit, or AttuneError for a library that is missing.
    """
    check_base(adapter, base)
    torch, peft, transformers = (load(name, "tune") for name in ("torch", "peft", "transformers"))
    settings = settings_of(base)
    kind = "AutoModelForSeq2SeqLM" if settings.get("is_encoder_decoder") else "AutoModelForCausalLM"
    with quiet():
        try:
            model = getattr(transformers, kind).from_pretrained(base, dtype=torch.float32)
            merged = _adapted(peft, model, adapter).merge_and_unload()
            merged.to(getattr(torch, settings.get("dtype") or settings.get("torch_dtype") or "float32"))
            merged.save_pretrained(target)
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            raise ModelError(
                f"{adapter} cannot be added to {base}: {type(error).__name__}: {error}"
            ) from error
    for path in base.iterdir():
        if any(fnmatch(path.name, pattern) for pattern in _BESIDE) and not (target / path.name).exists():
            shutil.copyfile(path, target / path.name)


def _adapted(peft: Any, model: Any, adapter: Path) -> Any:
    """`model` with the adapter, all of it: PEFT by itself passes over what it finds no place for."""
    changed = peft.PeftModel(model, peft.PeftConfig.from_pretrained(adapter))
    loaded = peft.set_peft_model_state_dict(changed, peft.load_peft_weights(adapter, device="cpu"))
    missing = [name for name in loaded.missing_keys if ".lora_" in name]
    if missing or loaded.unexpected_keys:
        raise ValueError(f"it has other modules: {named([*missing, *loaded.unexpected_keys])}")
    return changed
