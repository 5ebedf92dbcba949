"""A Hugging Face folder on disk: what must be in it for vLLM to run it."""

from __future__ import annotations

from pathlib import Path

from attune.engines.paged.folder import Folder, described, json_object
from attune.errors import EngineError

_NEEDED = ("config.json", "tokenizer.json", "*.safetensors")


def open_folder(path: Path) -> Folder:
    """The folder at `path`. Raises EngineError, saying what is missing or why it cannot be run."""
    if not path.is_dir():
        raise EngineError(
            f"{path}: there is no such folder. Fetch a model with: hf download google/gemma-3-4b-it "
            "--local-dir FOLDER"
        )
    if missing := [name for name in _NEEDED if not any(path.glob(name))]:
        raise EngineError(f"{path}: {', '.join(missing)} missing: not the folder of a Hugging Face model.")
    if json_object(path / "config.json").get("is_encoder_decoder"):
        raise EngineError(
            f"{path}: an encoder-decoder, as T5 is, which vLLM does not run. Convert it with "
            "attune models add and take the engine ctranslate2:"
        )
    return described(path)
