"""A model's folder on disk: what must be in it, and what its config says."""

from __future__ import annotations

import json
import logging
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.errors import EngineError

log = logging.getLogger(__name__)

_NEEDED = ("openvino_model.xml", "openvino_model.bin", "tokenizer.json", "config.json")
_DEFAULT_CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder this engine can try to run. `ends` are the ids that end the model's turn."""

    path: Path
    context_tokens: int
    bos: int | None
    ends: frozenset[int]
    vocabulary: int
    """Tokens that the model tells apart; 0 where its config does not say."""

    @property
    def xml(self) -> Path:
        return self.path / "openvino_model.xml"

    @property
    def tokenizer(self) -> Path:
        return self.path / "tokenizer.json"


def open_folder(path: Path) -> Folder:
    """The folder at `path`. Raises EngineError that names what is missing and the command that makes it."""
    missing = [name for name in _NEEDED if not (path / name).is_file()]
    if missing:
        raise EngineError(_advice(path, missing))
    if json_object(path / "config.json").get("attn_logit_softcapping"):
        # Seen by comparing tokens: the exporter leaves the cap on attention out, that on the logits in.
        log.warning(
            "%s: the model caps its attention, its export does not: answers can differ a little",
            path,
            extra={"action": "cap_left_out"},
        )
    return described(path)


def described(path: Path) -> Folder:
    """What the configs of a model's folder say, be the model in OpenVINO's form or Hugging Face's."""
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


def _advice(path: Path, missing: list[str]) -> str:
    export = "optimum-cli export openvino --model {} --weight-format int8 {}"
    if not path.is_dir():
        made = export.format("MODEL", shlex.quote(str(path)))
        return f"{path}: there is no such folder. Make one from a model with: {made}"
    if "openvino_model.xml" in missing and any(path.glob("*.safetensors")):
        made = export.format(shlex.quote(str(path)), shlex.quote(f"{path}-openvino"))
        return f"{path} holds a Hugging Face model, not yet in OpenVINO's form. Make that with: {made}"
    if (path / "openvino_encoder_model.xml").is_file():
        return f"{path} holds an encoder-decoder, which this engine cannot run: it runs Gemma and its like."
    if (path / "openvino_language_model.xml").is_file():
        return (
            f"{path} holds a model of text and images, which this engine cannot run. Export its text part "
            f"alone with: {export.format('MODEL', shlex.quote(str(path)))} --task text-generation-with-past"
        )
    made = export.format("MODEL", shlex.quote(str(path)))
    return f"{path}: {', '.join(missing)} missing. An OpenVINO folder is made with: {made}"


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object in the file `path`. Raises EngineError that names the file."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path}: not readable as JSON ({error}). Export the model again.") from error
    if not isinstance(record, dict):
        raise EngineError(f"{path}: a JSON object is needed. Export the model again.")
    return record


def _ids(value: Any) -> set[int]:
    values = value if isinstance(value, list) else [value]
    return {item for item in values if isinstance(item, int)}
