"""Small bases with random weights, whose attention chooses, and lessons of random tokens for them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
import transformers

from attune.tune.lesson import Lesson

WORDS = 300
WINDOW = 16
_GEMMA: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "num_hidden_layers": 2,
    "sliding_window": WINDOW,
    "layer_types": ["sliding_attention", "full_attention"],
    "max_position_embeddings": 512,
    "final_logit_softcapping": 10.0,
    "bos_token_id": 2,
    "eos_token_id": 1,
    "pad_token_id": 0,
}
FAMILIES: dict[str, Any] = {
    "gemma2": lambda: transformers.Gemma2Config(**_GEMMA, attn_logit_softcapping=2.0),
    "gemma3": lambda: transformers.Gemma3TextConfig(**_GEMMA),
    "gemma4": lambda: transformers.Gemma4TextConfig(
        **_GEMMA | {"num_hidden_layers": 4, "layer_types": _GEMMA["layer_types"] * 2},
        global_head_dim=32,
        num_kv_shared_layers=2,
        hidden_size_per_layer_input=8,
        vocab_size_per_layer_input=WORDS,
    ),
    "t5": lambda: transformers.T5Config(
        vocab_size=WORDS,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
    ),
}


def small(family: str, folder: Path) -> Path:
    """The base of `family` in float32, in Hugging Face's files."""
    config = FAMILIES[family]()
    kind = transformers.AutoModelForSeq2SeqLM if family == "t5" else transformers.AutoModelForCausalLM
    torch.manual_seed(11)
    model = kind.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and "embed" not in name:
                weight.normal_(std=0.25)
    model.save_pretrained(folder)
    return folder


def lessons(count: int, seed: int = 1, longest: int = 3 * WINDOW) -> list[Lesson]:
    """Lessons that begin alike, as those of a task do; every third asks the same as the one before it."""
    draw = random.Random(seed)
    trunk = _ids(draw, 20)
    made: list[Lesson] = []
    for number in range(count):
        prompt = trunk + _ids(draw, draw.randint(1, longest))
        if number % 3 == 2:
            prompt = made[-1].prompt
        answer = _ids(draw, draw.randint(2, longest))
        trained = (draw.random() < 0.5, *(draw.random() < 0.7 for _ in answer[2:]), True)
        made.append(Lesson(prompt, answer, trained, f"example {number}"))
    return made


def _ids(draw: random.Random, count: int) -> tuple[int, ...]:
    return tuple(draw.randrange(10, WORDS) for _ in range(count))
