"""Writes a Gemma 3 as a GGUF file with Q8_0 weights for llama.cpp.

python -m bench.race.to_gguf HUGGING-FACE-FOLDER FILE.gguf
"""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


def name_of(tensor: str) -> str:
    """llama.cpp's name of a Transformers tensor."""
    plain = tensor.removeprefix("model.").removesuffix(".weight")
    if plain.startswith("layers."):
        _, number, part = plain.split(".", 2)
        return f"blk.{number}.{_NAMES[part]}.weight"
    return {"embed_tokens": "token_embd.weight", "norm": "output_norm.weight"}[plain]


def convert(source: Path, target: Path) -> None:
    """The norms of Gemma are stored less one, and llama.cpp wants them whole."""
    gguf: Any = import_module("gguf")
    torch: Any = import_module("torch")
    load_file: Any = import_module("safetensors.torch").load_file
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(str(target), "gemma3")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(1_000_000.0)
    writer.add_sliding_window(config["sliding_window"])
    _add_words(writer, source / "tokenizer.json", gguf)
    for name, tensor in load_file(source / "model.safetensors").items():
        if name == "lm_head.weight":
            continue
        values = tensor.to(torch.float32).numpy()
        if values.ndim == 1:
            writer.add_tensor(name_of(name), values + 1)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name_of(name), gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_words(writer: Any, path: Path, gguf: Any) -> None:
    """As SentencePiece's, for grammars: prompts come as ids, so merges and scores are nothing to them."""
    definition = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = definition["model"]["vocab"]
    controls = {token["content"] for token in definition["added_tokens"] if token["special"]}
    words = sorted(vocabulary, key=lambda word: int(vocabulary[word]))
    kind = gguf.TokenType
    kinds = [
        kind.CONTROL if word in controls else kind.BYTE if _BYTE.fullmatch(word) else kind.NORMAL
        for word in words
    ]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([word.encode() for word in words])
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([int(each) for each in kinds])
    writer.add_bos_token_id(vocabulary["<bos>"])
    writer.add_eos_token_id(vocabulary["<eos>"])
    writer.add_eot_token_id(vocabulary["<end_of_turn>"])


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
