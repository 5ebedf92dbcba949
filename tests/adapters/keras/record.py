"""Makes this folder: LoRA weights as KerasHub saves them, and what KerasHub computes with them and with ours.

Run by hand, the first in attune's environment, the second in one with keras-hub and jax:

    python -m tests.adapters.keras.record make FOLDER
    KERAS_BACKEND=jax python tests/adapters/keras/record.py say FOLDER

A small random Gemma 2 that both libraries have. KerasHub tunes queries and values by itself; ours is of all
linear layers, exported for KerasHub.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
IDS = [2, *range(20, 40), 7, 300, 41]
RANK = 3


def gemma() -> Any:
    """As in tests/engines/families, with the scale and the caps that KerasHub has too."""
    record = import_module("tests.engines.families.record")
    kind, options = record.FAMILIES["gemma2"]
    same = {"query_pre_attn_scalar": 32, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
    import_module("torch").set_num_threads(1)
    return record.build(kind, {**options, **same}, record.tokenizer().get_vocab_size())


def ours(folder: Path) -> Any:
    """The model with LoRA in all its linear layers, saved in `folder`."""
    small = import_module("tests.adapters.small")
    return small.tuned(gemma(), folder, r=2, lora_alpha=3, target_modules="all-linear")


def make(folder: Path) -> None:
    gemma().save_pretrained(folder / "hf")
    ours(folder / "peft")
    keras = import_module("attune.adapters.keras")
    factors = import_module("attune.lora").read(folder / "peft")
    config = json.loads((folder / "hf" / "config.json").read_text())
    told = keras.write(factors, config, folder / "ours.lora.h5")
    (folder / "ours.json").write_text(json.dumps(told))


def say(folder: Path) -> None:
    keras_hub = import_module("keras_hub")
    given = {"token_ids": np.array([IDS]), "padding_mask": np.ones((1, len(IDS)))}

    def model() -> Any:
        return keras_hub.models.GemmaBackbone.from_preset(str(folder / "hf"), dtype="float32")

    def logits(backbone: Any) -> Any:
        seen = backbone.token_embedding(backbone(given), reverse=True)
        return np.array(30.0 * np.tanh(seen / 30.0))[0]

    theirs = model()
    before = logits(theirs)
    theirs.enable_lora(RANK)
    chance = np.random.default_rng(1)
    for layer in theirs._flatten_layers(include_self=False):
        if getattr(layer, "lora_enabled", False):
            layer.lora_kernel_b.assign(chance.standard_normal(layer.lora_kernel_b.shape) * 0.3)
    theirs.save_lora_weights(str(HERE / "gemma2.lora.h5"))
    exported = model()
    rank, names = json.loads((folder / "ours.json").read_text())
    exported.enable_lora(rank, names)
    exported.load_lora_weights(str(folder / "ours.lora.h5"))
    said = {"before": before, "theirs": logits(theirs), "ours": logits(exported)}
    np.savez_compressed(HERE / "said.npz", **{name: rows[-4:] for name, rows in said.items()})
    print({name: np.abs(rows - before).max() for name, rows in said.items()})


if __name__ == "__main__":
    {"make": make, "say": say}[sys.argv[1]](Path(sys.argv[2]))
