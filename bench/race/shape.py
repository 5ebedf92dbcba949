"""Writes a Gemma 3 of the 270M shape with random weights as a Hugging Face folder.

python -m bench.race.shape FOLDER
"""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from pathlib import Path
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
    shutil.copy(POCKET / "tokenizer.json", target)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
