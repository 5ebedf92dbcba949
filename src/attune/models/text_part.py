"""The text part of a model that sees or hears, as a folder of its own: the exporter takes no other."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from attune.errors import ModelError
from attune.models.convert import settings_of

_ALONE = {"gemma3": "Gemma3ForCausalLM", "gemma4": "Gemma4ForCausalLM"}
"""By the family of the whole: the class of its text part."""
_NAMES = re.compile(r"(?:model\.language_model\.|language_model\.model\.)(.+)|language_model\.(lm_head\..+)")
"""What the text part's weights are called in the whole, by Transformers 5 and by those before."""
_CARRIED = ("bos_token_id", "eos_token_id", "pad_token_id", "tie_word_embeddings")
_BESIDE = ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json")
_PIECE_BYTES = 2**24


def has_more(source: Path) -> bool:
    """Whether the model in `source` is more than text."""
    settings = settings_of(source)
    return settings.get("model_type") in _ALONE and "text_config" in settings


def write(source: Path, target: Path) -> None:
    """Writes the text part of the model in `source` to the new folder `target`, its weights byte by byte.

    Raises ModelError where `source` has no such weights, as safetensors.
    """
    whole = settings_of(source)
    carried = {name: whole[name] for name in _CARRIED if name in whole}
    text = carried | whole["text_config"] | {"architectures": [_ALONE[whole["model_type"]]]}
    target.mkdir()
    (target / "config.json").write_text(json.dumps(text, indent=1), encoding="utf-8")
    for name in _BESIDE:
        if (source / name).is_file():
            shutil.copy(source / name, target)
    files = sorted(source.glob("model*.safetensors"))
    shards = {path.name: _copy(path, target / path.name) for path in files}
    where = {tensor: shard for shard, tensors in shards.items() for tensor in tensors}
    if not where:
        raise ModelError(f"{source} has no weights of a text part (model*.safetensors)")
    if len(shards) > 1:
        index = {"metadata": {}, "weight_map": where}
        (target / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _copy(source: Path, target: Path) -> list[str]:
    """Copies the text part's tensors of one file of weights, and gives their new names; a file that has none
    is not written. The form: a length of 8 bytes, a header in JSON, the data (safetensors' own page)."""
    with source.open("rb") as read:
        size = int.from_bytes(read.read(8), "little")
        told: Mapping[str, Any] = json.loads(read.read(size))
        kept = {name: tensor for old, tensor in told.items() if (name := _renamed(old))}
        if not kept:
            return []
        header, at = {}, 0
        for name, tensor in kept.items():
            first, end = tensor["data_offsets"]
            header[name] = tensor | {"data_offsets": [at, at + end - first]}
            at += end - first
        written = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
        written += b" " * (-len(written) % 8)
        with target.open("wb") as write_to:
            write_to.write(len(written).to_bytes(8, "little") + written)
            for tensor in kept.values():
                first, end = tensor["data_offsets"]
                read.seek(8 + size + first)
                _pass(read, write_to, end - first)
    return list(kept)


def _renamed(name: str) -> str:
    found = _NAMES.fullmatch(name)
    if not found:
        return name if name.startswith("lm_head.") else ""
    return f"model.{found[1]}" if found[1] else found[2]


def _pass(read: BinaryIO, write_to: BinaryIO, count: int) -> None:
    while count:
        piece = read.read(min(count, _PIECE_BYTES))
        if not piece:
            raise ModelError("the weights end before their header says: fetch them again")
        write_to.write(piece)
        count -= len(piece)
