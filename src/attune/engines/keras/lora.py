"""A LoRA as KerasHub keeps it (`backbone.save_lora_weights("….lora.h5")`), made part of a model's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attune.address import load
from attune.errors import EngineError


def merge(backbone: Any, path: Path) -> None:
    """Adds the LoRA in the file `path` to the kernels of `backbone`, so that it costs nothing to run.

    Raises EngineError for a file that is none, or of another model.
    """
    h5py = load("h5py", "keras")
    layers = [layer for layer in backbone._flatten_layers(include_self=False) if layer.weights]  # noqa: SLF001
    try:
        with h5py.File(path) as file:
            rank = int(file["lora/vars/rank"][()])
            tuned = [layers[int(number)] for number in file["lora"] if number != "vars"]
        backbone.enable_lora(rank, sorted({layer.name for layer in tuned}))  # the file does not say which
        backbone.load_lora_weights(str(path))
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise EngineError(
            f"{path} cannot be read as KerasHub's LoRA weights of this model ({error}): is it of another? "
            "One that attune has tuned is made such a file by: attune adapters export"
        ) from error
    for layer in layers:
        if getattr(layer, "lora_enabled", False):  # layers without kernels know no LoRA
            merged = layer.kernel
            layer.lora_enabled = False
            layer.kernel.assign(merged)
