"""Makes this folder: small models of other families, and what Transformers says of them.

Run by hand, in an environment with torch, transformers, optimum-intel, openvino and tokenizers:

    python tests/engines/families/record.py gemma2 gemma3 llama3 qwen3    # with transformers 4.57
    python tests/engines/families/record.py gemma4                        # with transformers 5.5

Every model has two to four layers of width 64, random weights on a coarse grid (so that they pack well) and
the same tokenizer. Those with windows have windows of 64 tokens, Gemma 4 of 16, since the exporter traces it
with no more. The export is float32, as is the record.
"""

from __future__ import annotations

import json
import lzma
import os
import random
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers

torch: Any = import_module("torch")  # no dependency of ours, so unknown to the type checker
transformers: Any = import_module("transformers")

HERE = Path(__file__).parent
NEW = 64
WINDOW = 64
GRID = 64
PROMPTS = 50
SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>")
LETTERS = "▁abcdefghijklmnopqrstuvwxyz.,:!?'\"{}-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PAIRS = [first + second for first in "▁aeiourstn" for second in "aeioulnrst"]

_SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "head_dim": 32,
    "max_position_embeddings": 2048,
    "bos_token_id": 2,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "attn_implementation": "eager",
}
_WINDOWS = {
    "sliding_window": WINDOW,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "num_hidden_layers": 3,
}
_LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "gemma2": (
        "Gemma2",
        {
            **_WINDOWS,
            "num_key_value_heads": 2,
            "query_pre_attn_scalar": 48,
            "attn_logit_softcapping": None,  # optimum-intel 2.2 leaves it out of the exported graph
            "final_logit_softcapping": 10.0,
        },
    ),
    "gemma3": (
        "Gemma3Text",
        {
            **_WINDOWS,
            "num_key_value_heads": 1,
            "query_pre_attn_scalar": 32,
            "rope_theta": 1_000_000.0,
            "rope_local_base_freq": 10_000.0,
        },
    ),
    "gemma4": (
        "Gemma4Text",
        {
            **_WINDOWS,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
            "num_hidden_layers": 4,
            "num_key_value_heads": 2,
            "global_head_dim": 64,
            "num_kv_shared_layers": 2,
            "sliding_window": 16,
            "hidden_size_per_layer_input": 8,
            "final_logit_softcapping": 10.0,
        },
    ),
    "llama3": (
        "Llama",
        {"num_hidden_layers": 2, "num_key_value_heads": 2, "rope_theta": 500_000.0, "rope_scaling": _LLAMA3},
    ),
    "qwen3": ("Qwen3", {"num_hidden_layers": 2, "num_key_value_heads": 2, "tie_word_embeddings": True}),
}


def tokenizer() -> Tokenizer:
    """Gemma's kind in small: bytes, letters and a few pairs, spaces as ▁."""
    words = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), "\n", *LETTERS, *PAIRS]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(words))}
    merges = [(pair[0], pair[1]) for pair in PAIRS]
    made = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Replace(" ", "▁")
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    made.add_special_tokens(list(SPECIAL))
    return made


def prompts(vocabulary: int) -> list[list[int]]:
    """Lengths from 1 to 600; every third begins as the one before it does, for a part of any length."""
    chance = random.Random(7)
    edges = [
        1,
        2,
        3,
        31,
        32,
        33,
        63,
        64,
        65,
        66,
        95,
        96,
        97,
        127,
        128,
        129,
        130,
        192,
        193,
        256,
        300,
        599,
        600,
    ]
    lengths = edges + [chance.randint(1, 600) for _ in range(PROMPTS - len(edges))]
    made: list[list[int]] = []
    for index, length in enumerate(lengths):
        ids = [2, *(chance.randrange(len(SPECIAL), vocabulary) for _ in range(length - 1))]
        if index % 3 == 2:
            shared = chance.randint(0, min(length, len(made[-1])))
            ids[:shared] = made[-1][:shared]
        made.append(ids)
    return made


def build(kind: str, options: dict[str, Any], vocabulary: int) -> Any:
    """The model of `kind` with random weights wide enough that its text does not stand still."""
    sizes = {"vocab_size": vocabulary, "vocab_size_per_layer_input": vocabulary}
    config = getattr(transformers, f"{kind}Config")(**sizes, **{**_SHAPE, **options})
    torch.manual_seed(11)
    model = getattr(transformers, f"{kind.removesuffix('Text')}ForCausalLM")(config).to(torch.float32).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2:
                tied = "embed" in name and kind.startswith("Gemma")  # or each token would only say itself
                spread = 0.08 if tied else 0.25
                weight.copy_((torch.randn_like(weight) * spread * GRID).round() / GRID)
            else:
                # What the layers add must outweigh the token's own embedding, and attention must choose.
                more = (
                    2.0 if "post_" in name and kind.startswith("Gemma") else 1.0 if "q_norm" in name else 0.0
                )
                weight.add_((torch.randn_like(weight) * 0.2 * GRID).round() / GRID + more)
    model.generation_config.eos_token_id = 1
    return model


def greedy(model: Any, ids: list[int]) -> tuple[list[int], float]:
    """The tokens, and by how much the closest of them was likelier than its next."""
    made: list[int] = []
    margin = float("inf")
    feed, past = torch.tensor([ids]), None
    with torch.inference_mode():
        for _ in range(NEW):
            out = model(input_ids=feed, past_key_values=past, use_cache=True, logits_to_keep=1)
            past = out.past_key_values
            best, second = out.logits[0, -1].topk(2).values.tolist()
            margin = min(margin, best - second)
            made.append(int(out.logits[0, -1].argmax()))
            feed = torch.tensor([[made[-1]]])
    return made, margin


def export(model: Any, tokens: Tokenizer, target: Path) -> None:
    """The model as OpenVINO's float32 files, the weights packed."""
    main_export = import_module("optimum.exporters.openvino").main_export
    configs = import_module("optimum.exporters.openvino.model_configs")
    configs.Gemma4TextOpenVINOConfig.MAX_TRANSFORMERS_VERSION = (
        "5.5.99"  # 2.2 asks for 5.5 and for 5.0 at most
    )
    ov_config = import_module("optimum.intel").OVConfig
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "hf", Path(folder) / "ov"
        model.save_pretrained(source)
        tokens.save(str(source / "tokenizer.json"))
        (source / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
        main_export(
            str(source),
            str(made),
            task="text-generation-with-past",
            ov_config=ov_config(dtype="fp32"),
            convert_tokenizer=False,
        )
        target.mkdir(exist_ok=True)
        for name in ("config.json", "generation_config.json"):
            (target / name).write_bytes((made / name).read_bytes())
        for name in ("openvino_model.xml", "openvino_model.bin"):
            (target / f"{name}.xz").write_bytes(lzma.compress((made / name).read_bytes(), preset=9))


def main(families: list[str]) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    tokens = tokenizer()
    tokens.save(str(HERE / "tokenizer.json"))
    asked = prompts(tokens.get_vocab_size())
    (HERE / "prompts.json").write_text("[\n" + ",\n".join(map(json.dumps, asked)) + "\n]\n")
    for family in families:
        kind, options = FAMILIES[family]
        model = build(kind, options, tokens.get_vocab_size())
        told = [greedy(model, ids) for ids in asked]
        said = [row for row, _ in told]
        export(model, tokens, HERE / family)
        (HERE / family / "greedy.json").write_text("[\n" + ",\n".join(map(json.dumps, said)) + "\n]\n")
        kinds = sum(len(set(row)) for row in said) / len(said)
        print(
            f"{family}: {kinds:.1f} different tokens of {NEW}, margin {min(least for _, least in told):.1e}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
