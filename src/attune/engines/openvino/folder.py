"""A model's folder on disk: what must be in it."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path

from attune.engines.paged.folder import Folder, described, json_object
from attune.errors import EngineError

log = logging.getLogger(__name__)

_NEEDED = ("openvino_model.xml", "openvino_model.bin", "tokenizer.json", "config.json")


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
