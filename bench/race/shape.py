"""Writes a Gemma 3 of the 270M shape with random weights as a Hugging Face folder.

python -m bench.race.shape FOLDER
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from attune.models import POCKET

SHAPE = {
    "vocab_size": 262144,
    "hidden_size": 640,
    "intermediate_size": 2048,
    "num_hidden_layers": 18,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 256,
    "sliding_window": 512,
    "query_pre_attn_scalar": 256,
    "max_position_embeddings": 32768,
    "bos_token_id": 2,
    "eos_token_id": 5,
    "pad_token_id": 0,
}


def write(target: Path) -> None:
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    torch.manual_seed(0)
    model = transformers.Gemma3ForCausalLM(transformers.Gemma3TextConfig(**SHAPE)).to(torch.bfloat16)
    model.generation_config.eos_token_id = SHAPE["eos_token_id"]
    model.save_pretrained(target)
    (target / "tokenizer.json").write_text(json.dumps(_words(), ensure_ascii=False), encoding="utf-8")


def _words() -> dict[str, Any]:
    """The embedded model's tokenizer with made-up words of four letters up to the vocabulary's size: none is
    ever read, since no merge makes it, and with random weights nearly all that is written is of them."""
    definition: dict[str, Any] = json.loads((POCKET / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = definition["model"]["vocab"]
    made = ("▁" + "".join(letters) for letters in product(ascii_lowercase, repeat=4))
    words = (word for word in made if word not in vocabulary)
    vocabulary |= {next(words): number for number in range(len(vocabulary), SHAPE["vocab_size"])}
    return definition


if __name__ == "__main__":
    write(Path(sys.argv[1]))
