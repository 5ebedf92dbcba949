"""Makes this folder: a small random T5 in CTranslate2's form, and what Transformers says of it.

Run by hand, in an environment with this package and its extra [models]:

    python tests/engines/t5/record.py

Two layers of width 64 as FLAN-T5 has them (gated GELU, an output layer of its own), random weights on a
coarse grid (so that they pack well), and a Unigram tokenizer trained on the sample chats. All in float32.
"""

from __future__ import annotations

import json
import lzma
import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from attune.connect import SAMPLES

torch: Any = import_module("torch")  # no dependency of ours, so unknown to the type checker
transformers: Any = import_module("transformers")

HERE = Path(__file__).parent
NEW = 32
GRID = 16
WORDS = 800
SENTINELS = 8
SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "repetition_penalty": {"repetition_penalty": 1.3},
    "no_repeat_ngram_size": {"no_repeat_ngram_size": 2},
    "beams_early": {"num_beams": 4, "num_return_sequences": 4, "early_stopping": True},
    "beams": {"num_beams": 4, "num_return_sequences": 4, "early_stopping": False},
    "beams_long": {"num_beams": 3, "length_penalty": 2.0, "early_stopping": True},
    "beams_short": {"num_beams": 3, "length_penalty": 0.0, "early_stopping": True},
}


def texts() -> list[str]:
    """The sample chats, a text each, Latin letters alone."""
    found = []
    for line in SAMPLES.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
            text = " ".join(turn["text"] for turn in record["turns"])
            found.append("".join(sign for sign in text if sign < "\u0100"))
        except (ValueError, KeyError, TypeError):
            continue
    return [text for text in found if len(text) > 100]


def tokenizer(corpus: list[str]) -> Tokenizer:
    """T5's kind: Unigram, spaces as ▁, and its control tokens among the pieces."""
    special = ["<pad>", "</s>", "<unk>", *(f"<extra_id_{number}>" for number in range(SENTINELS))]
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=WORDS, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(corpus, trainer)
    return made


def build(vocabulary: int) -> Any:
    torch.set_num_threads(1)
    config = transformers.T5Config(
        vocab_size=vocabulary,
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )
    torch.manual_seed(5)
    model = transformers.T5ForConditionalGeneration(config).to(torch.float32).eval()
    model.lm_head.weight = torch.nn.Parameter(
        torch.zeros_like(model.shared.weight)
    )  # of its own, as FLAN-T5 has it
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "layer_norm" in name:
                weight.copy_(1 + (torch.randn_like(weight) * 0.2 * GRID).round() / GRID)
            else:
                spread = 1.0 if "shared" in name or "bias" in name else 0.3 if "lm_head" in name else 0.2
                weight.copy_((torch.randn_like(weight) * spread * GRID).round() / GRID)
        model.lm_head.weight[1] *= 2.2  # so that texts end
        model.lm_head.weight[0] = 0  # a trained model never writes its padding
    return model


def folder(model: Any, tokens: Tokenizer, place: Path) -> Path:
    """The model as a Hugging Face folder, its settings as FLAN-T5 has them."""
    model.save_pretrained(place)
    shape = json.loads((place / "config.json").read_text(encoding="utf-8"))
    del shape["scale_decoder_outputs"]
    (place / "config.json").write_text(json.dumps(shape | {"tie_word_embeddings": False}), encoding="utf-8")
    tokens.save(str(place / "tokenizer.json"))
    settings = {"tokenizer_class": "T5Tokenizer", "extra_ids": SENTINELS}
    settings |= {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (place / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return place


def said(model: Any, prompts: list[list[int]], settings: dict[str, Any]) -> list[list[list[int]]]:
    """The texts that `generate` gives for each prompt alone, their tokens without pad and end."""
    told = []
    for ids in prompts:
        with torch.inference_mode():
            made = model.generate(torch.tensor([ids]), max_new_tokens=NEW, do_sample=False, **settings)
        told.append([written(row) for row in made.tolist()])
    return told


def written(row: list[int]) -> list[int]:
    """The tokens between the start and the end."""
    return row[1 : row.index(1)] if 1 in row else row[1:]


def main() -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    convert = import_module("attune.models.convert").convert
    corpus = texts()
    tokens = tokenizer(corpus)
    model = build(tokens.get_vocab_size())
    asked = [text[:length] for text, length in zip(corpus[::6], [20, 60, 200, 700] * 8, strict=False)]
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "made"
        source = folder(model, tokens, Path(place) / "hf")
        prompts = transformers.AutoTokenizer.from_pretrained(source)(asked).input_ids
        convert(source, made, "float32")
        for path in made.iterdir():
            (HERE / f"{path.name}.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
    record = {name: said(model, prompts, settings) for name, settings in SETTINGS.items()}
    lines = [
        json.dumps({"prompt": text, "ids": prompts[i]} | {name: record[name][i] for name in SETTINGS})
        for i, text in enumerate(asked)
    ]
    (HERE / "said.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(asked)} prompts; tokens of greedy texts: {[len(row[0]) for row in record['greedy']]}")


if __name__ == "__main__":
    main()
