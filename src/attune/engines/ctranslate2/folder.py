"""A converted model's folder on disk: what must be in it."""

from __future__ import annotations

import shlex
from pathlib import Path

from attune.errors import EngineError

_NEEDED = ("model.bin", "config.json", "shared_vocabulary.json", "tokenizer.json")


def check_folder(path: Path) -> None:
    """Raises EngineError that names what is missing and the command that makes it."""
    if not path.is_dir():
        raise EngineError(
            f"{path}: there is no such folder. Make one with: attune models add google/flan-t5-base"
        )
    missing = [name for name in _NEEDED if not (path / name).is_file()]
    if not missing:
        return
    if "model.bin" in missing and any(path.glob("*.safetensors")):
        made = f"attune models add {shlex.quote(str(path))}"
        raise EngineError(
            f"{path} holds a Hugging Face model, not yet in CTranslate2's form. Make that with: {made}"
        )
    raise EngineError(
        f"{path}: {', '.join(missing)} missing. A folder for this engine is made from a T5 with: "
        "attune models add MODEL"
    )
