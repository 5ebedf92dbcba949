"""A Hugging Face folder on disk: what must be in it."""

from __future__ import annotations

from pathlib import Path

from attune.engines.paged.folder import Folder, described, json_object
from attune.errors import EngineError
from attune.visible import visible

DECODERS = ("gemma2", "gemma3", "gemma3_text", "gemma4", "gemma4_text", "llama", "qwen3")
T5S = ("t5", "mt5")
"""What Transformers calls the families that can be run, each held against it by test but mt5."""


def open_folder(path: Path, families: tuple[str, ...] = DECODERS) -> Folder:
    """The folder at `path`. Raises EngineError, saying what is missing, or which family cannot be run."""
    if not path.is_dir():
        raise EngineError(
            f"{path}: there is no such folder. A Hugging Face model's is needed, with its weights."
        )
    needed = ("config.json", "tokenizer.json", "*.safetensors")
    if missing := [name for name in needed if not any(path.glob(name))]:
        other = " It is one in OpenVINO's form: openvino:" if (path / "openvino_model.xml").is_file() else ""
        raise EngineError(
            f"{path}: {', '.join(missing)} missing: not the folder of a Hugging Face model.{other}"
        )
    family = str(json_object(path / "config.json").get("model_type"))
    if family not in families:
        raise EngineError(
            f"{path}: a model of the family {visible(family)}, which this engine cannot run. "
            f"What it can: {', '.join(DECODERS + T5S)}."
        )
    return described(path)
