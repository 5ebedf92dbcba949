"""What the configs in a model's folder say, be the model in OpenVINO's form or Hugging Face's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.errors import EngineError

_DEFAULT_CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that an engine can try to run. `ends` are the ids that end the model's turn."""

    path: Path
    context_tokens: int
    bos: int | None
    ends: frozenset[int]
    vocabulary: int
    """Tokens that the model tells apart; 0 where its config does not say."""

    @property
    def tokenizer(self) -> Path:
        return self.path / "tokenizer.json"


def described(path: Path) -> Folder:
    """The folder at `path` by its configs. Raises EngineError that names one that cannot be read."""
    config = json_object(path / "config.json")
    config |= config.get("text_config") or {}
    generation = path / "generation_config.json"
    ends = _ids(config.get("eos_token_id"))
    if generation.is_file():
        ends |= _ids(json_object(generation).get("eos_token_id"))
    bos = config.get("bos_token_id")
    return Folder(
        path=path,
        context_tokens=int(config.get("max_position_embeddings") or _DEFAULT_CONTEXT),
        bos=bos if isinstance(bos, int) else None,
        ends=frozenset(ends),
        vocabulary=int(config.get("vocab_size") or 0),
    )


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object in the file `path`. Raises EngineError that names the file."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{path}: not readable as JSON ({error}). Fetch or export the model again."
        ) from error
    if not isinstance(record, dict):
        raise EngineError(f"{path}: a JSON object is needed. Fetch or export the model again.")
    return record


def _ids(value: Any) -> set[int]:
    values = value if isinstance(value, list) else [value]
    return {item for item in values if isinstance(item, int)}
