"""Makes a T5 of a published shape, with random weights: python -m bench.t5.make FOLDER SHAPE."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from bench.t5.work import prompts

SHAPES: dict[str, dict[str, int]] = {
    "flan-t5-small": {"d_model": 512, "d_kv": 64, "d_ff": 1024, "num_layers": 8, "num_heads": 6},
    "flan-t5-base": {"d_model": 768, "d_kv": 64, "d_ff": 2048, "num_layers": 12, "num_heads": 12},
}
"""As the published config.json of each says."""
VOCABULARY = 32_128
_WORDS = 4_000


def tokenizer() -> Tokenizer:
    """A Unigram tokenizer trained on the sample chats: the published one cannot be fetched everywhere."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=_WORDS, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(sorted(set(prompts(212))), trainer)
    return made


def make(folder: Path, shape: str) -> None:
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    torch.manual_seed(1)
    config = transformers.T5Config(
        vocab_size=VOCABULARY,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
        **SHAPES[shape],
    )
    model = transformers.T5ForConditionalGeneration(config)
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.shared.weight) * config.d_model**-0.5)
    with torch.no_grad():
        model.lm_head.weight[:2] = 0  # never an end: every answer is as long as it may be
    model.save_pretrained(folder)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {
        "tie_word_embeddings": False
    }
    settings.pop("scale_decoder_outputs", None)
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    tokenizer().save(str(folder / "tokenizer.json"))
    words = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0}
    words |= {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(words), encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])
