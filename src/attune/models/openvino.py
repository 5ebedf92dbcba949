"""From a Hugging Face folder of a Gemma and its like to one that the engine openvino runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from shlex import quote

from attune.errors import ModelError
from attune.models import text_part

FAMILIES = {
    "gemma2": "5.0",
    "gemma3": "5.0",
    "gemma3_text": "5.0",
    "llama": "5.0",
    "qwen3": "5.0",
    "gemma4": "5.5",
    "gemma4_text": "5.5",
}
"""What Transformers calls the models that can be converted, and which Transformers optimum-intel 2.2 converts
each with. No version does for all, and none of them is the one that attune's other extras take: so each has
an environment of its own, which is a program to call."""
QUANTIZATIONS = {"int8": "int8", "int4": "int4", "float16": "fp16", "float32": "fp32"}
"""What optimum-intel calls the types of weights."""
_EXPORTER = "optimum-intel==2.2.*"
_COMMAND = (
    "from optimum.exporters.openvino import model_configs; "
    "model_configs.Gemma4TextOpenVINOConfig.MAX_TRANSFORMERS_VERSION = '5.5.99'; "
    "from optimum.commands.optimum_cli import main; main()"
)
"""optimum-cli; but Gemma 4, which needs Transformers 5.5, inherits the ceiling of 5.0 there by mistake."""
_LIBRARIES = ("optimum-intel", "transformers", "nncf", "openvino", "torch")
_KEPT = ("openvino_model.xml", "openvino_model.bin", "config.json", "generation_config.json")


def exporter(models: Path, family: str) -> Path:
    """The environment that converts a model of `family`: a folder beside the models.

    Raises ModelError with the command that makes it.
    """
    environment = models / f".export-{FAMILIES[family]}"
    if not (environment / "bin" / "python").exists():
        place = quote(str(environment))
        raise ModelError(
            f"a model of the family {family} is converted by optimum-intel with Transformers "
            f"{FAMILIES[family]}, which has to be set up once, beside attune (some 3 GB): python3 -m venv "
            f"{place} && {place}/bin/pip install '{_EXPORTER}' 'transformers=={FAMILIES[family]}.*'"
        )
    return environment


def convert(source: Path, target: Path, quantization: str, environment: Path) -> None:
    """Writes the model of `source` to the new folder `target`, with its tokenizer, by optimum-intel.

    Only the text part of a model that sees is taken. In int4 the embeddings and the head stay in 8 bits.
    Raises ModelError with what the exporter said.
    """
    if not (source / "tokenizer.json").is_file():
        raise ModelError(f"{source} has no tokenizer.json, which the engine openvino needs.")
    text, made = (target.with_name(f"{target.name}-{part}") for part in ("text", "export"))
    if text_part.has_more(source):
        text_part.write(source, text)
    command = [str(environment / "bin" / "python"), "-c", _COMMAND, "export", "openvino"]
    command += ["--model", str(text if text.is_dir() else source)]
    command += ["--weight-format", QUANTIZATIONS[quantization], "--task", "text-generation-with-past"]
    try:
        done = subprocess.run(  # noqa: S603 - a program of the user's own, by its path
            [*command, "--disable-convert-tokenizer", str(made)],
            capture_output=True,
            text=True,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            check=False,
        )
        if done.returncode:
            raise ModelError(f"{source} cannot be converted: {_last_line(done.stderr)}")
        target.mkdir()
        for name in _KEPT:
            if (made / name).is_file():
                shutil.move(made / name, target / name)
        shutil.copy(source / "tokenizer.json", target)
    finally:
        for left in (text, made):
            shutil.rmtree(left, ignore_errors=True)


def versions(environment: Path) -> Mapping[str, str]:
    """The versions of the libraries in `environment` that the result depends on."""
    places = [str(place) for place in environment.glob("lib/python*/site-packages")]
    found = {each.name: each.version for each in distributions(path=places)}
    return {name: found[name] for name in _LIBRARIES if name in found}


def _last_line(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    return lines[-1] if lines else "the exporter failed without a word"
