"""The base: the Hugging Face files of the model that is tuned, and who makes lessons for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from attune.engines.openvino.folder import described, json_object
from attune.errors import TuneError
from attune.models.convert import FAMILIES
from attune.tune.causal import CausalTeacher
from attune.tune.lesson import Teacher
from attune.tune.seq2seq import Seq2SeqTeacher

POCKET = Path("models/pocket-hf")
"""In the repository, beside `src`."""


@dataclass(frozen=True)
class Base:
    """A model that can be tuned."""

    folder: Path

    @cached_property
    def kind(self) -> Literal["causal", "seq2seq"]:
        family = json_object(self.folder / "config.json").get("model_type")
        return "seq2seq" if family in FAMILIES else "causal"

    @cached_property
    def teacher(self) -> Teacher:
        if self.kind == "seq2seq":
            return Seq2SeqTeacher(self.folder)
        return CausalTeacher(described(self.folder))


def open_base(folder: Path) -> Base:
    """The model in `folder`. Raises TuneError, naming what is missing."""
    needed = ("config.json", "tokenizer.json")
    missing = [name for name in needed if not (folder / name).is_file()]
    if not any(folder.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        raise TuneError(
            f"{folder}: {', '.join(missing)} missing: tuning needs a model's Hugging Face files "
            "(config.json, tokenizer.json, *.safetensors). Give their folder with --base."
        )
    return Base(folder)
