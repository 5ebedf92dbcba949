"""Small bases for tests: the configs and tokenizers of models, and one with random weights."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

from tests.engines import small_t5

FAMILIES = Path(small_t5.HERE).parent / "families"
_OF_GEMMA4 = {"<start_of_turn>": "<|turn>", "<end_of_turn>": "<turn|>"}


def gemma(family: str, folder: Path) -> Path:
    """A Gemma's config, and a tokenizer with the control tokens of its family."""
    tokenizer = (FAMILIES / "tokenizer.json").read_text(encoding="utf-8")
    if family == "gemma4":
        for ours, theirs in _OF_GEMMA4.items():
            tokenizer = tokenizer.replace(ours, theirs)
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    for name in ("config.json", "generation_config.json"):
        (folder / name).write_bytes((FAMILIES / family / name).read_bytes())
    return folder


def t5(folder: Path) -> Path:
    """The config and tokenizer of the small T5 of the engine's tests, in Hugging Face's form."""
    pieces = json.loads(lzma.decompress((small_t5.HERE / "shared_vocabulary.json.xz").read_bytes()))
    config = {"model_type": "t5", "vocab_size": len(pieces), "decoder_start_token_id": 0, "eos_token_id": 1}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    packed = (small_t5.HERE / "tokenizer.json.xz").read_bytes()
    (folder / "tokenizer.json").write_bytes(lzma.decompress(packed))
    return folder


def whole(folder: Path) -> Path:
    """A Gemma 3 of two layers with random weights, always the same, and the tokenizer of the families."""
    import torch
    import transformers

    words = len(json.loads((FAMILIES / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"])
    config = transformers.Gemma3TextConfig(
        vocab_size=words,
        hidden_size=32,
        intermediate_size=64,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        num_hidden_layers=2,
        max_position_embeddings=2048,
        bos_token_id=2,
        eos_token_id=1,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((FAMILIES / "tokenizer.json").read_bytes())
    return folder
