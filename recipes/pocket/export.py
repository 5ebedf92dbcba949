"""Export: the Hugging Face files, the folder with 8-bit weights that attune runs, and the model's card."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from attune.models import POCKET
from recipes.pocket import card, tune
from recipes.pocket.controls import BOS, END, PAD
from recipes.pocket.shape import SHAPES

_TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<bos>",
    "eos_token": "<eos>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "clean_up_tokenization_spaces": False,
}
_PRODUCT = ("config.json", "generation_config.json", "openvino_model.xml", "openvino_model.bin")


def export(work: Path, size: str, python: str | None = None) -> Path:
    """Writes `work`/SIZE-hf and `work`/SIZE; `python` is one that has optimum-intel, if this one has not."""
    source, target = work / f"{size}-hf", work / size
    huggingface(work, size, source)
    openvino(source, target, python or sys.executable)
    cards(work, size)
    return target


def cards(work: Path, size: str) -> None:
    """Writes the cards again, when there are new figures."""
    for folder in (work / f"{size}-hf", work / size):
        card.write(folder, work, size)


def huggingface(work: Path, size: str, folder: Path) -> None:
    """The tuned model as `Gemma3ForCausalLM` loads it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tune.weights(work, size), folder / "model.safetensors")
    shutil.copy(work / "tokenizer.json", folder)
    ends = {"bos_token_id": BOS, "eos_token_id": END, "pad_token_id": PAD}
    _json(folder / "config.json", SHAPES[size].config())
    _json(folder / "generation_config.json", ends)
    _json(folder / "tokenizer_config.json", _TOKENIZER)


def openvino(source: Path, target: Path, python: str) -> None:
    """The same in OpenVINO's form, by optimum-intel's own command, with the tasks of the pocket model."""
    made = target.with_name(f"{target.name}-export")
    command = str(Path(python).with_name("optimum-cli"))
    given = ("--model", str(source), "--weight-format", "int8", "--task", "text-generation-with-past")
    subprocess.run(
        [command, "export", "openvino", *given, "--disable-convert-tokenizer", str(made)], check=True
    )
    target.mkdir(exist_ok=True)
    for name in _PRODUCT:
        shutil.copy(made / name, target)
    shutil.copy(source / "tokenizer.json", target)
    shutil.copytree(POCKET / "tasks", target / "tasks", dirs_exist_ok=True)
    shutil.rmtree(made)


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
