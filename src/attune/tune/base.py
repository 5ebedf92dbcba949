"""The base: the Hugging Face files of the model that is tuned, the engine that serves it, and its tasks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import attune
from attune import connect, task
from attune.engines.paged.folder import described, json_object
from attune.errors import TuneError
from attune.models import POCKET
from attune.models.convert import FAMILIES
from attune.task import Task
from attune.tune.causal import CausalTeacher
from attune.tune.lesson import Teacher
from attune.tune.seq2seq import Seq2SeqTeacher

_POCKET = Path(attune.__file__).parents[2] / "models" / "pocket-hf"
"""The weights that the pocket model is tuned from: in the repository, and too large for the package."""
_WRITING = "writing"
"""The task of a model whose own drafts are set phrases, for when it is tuned to write."""


@dataclass(frozen=True)
class Base:
    """A model that can be tuned. `address` is the engine that serves it, "" where there is none."""

    folder: Path
    address: str = ""

    @cached_property
    def kind(self) -> Literal["causal", "seq2seq"]:
        family = json_object(self.folder / "config.json").get("model_type")
        return "seq2seq" if family in FAMILIES else "causal"

    @cached_property
    def teacher(self) -> Teacher:
        if self.kind == "seq2seq":
            return Seq2SeqTeacher(self.folder)
        return CausalTeacher.of(described(self.folder))

    @property
    def model(self) -> str:
        """What it is called."""
        return "pocket" if self.address == "pocket" else self.folder.resolve().name

    @property
    def folders(self) -> list[Path]:
        """Where its weights are: those it is tuned from, and those it is served from."""
        return [self.folder, *([_served_from(self.address)] if self.address else [])]

    @property
    def evaluates(self) -> str:
        """The address of an engine that can serve an adapter beside the base; "" where there is none."""
        return "" if self.address.startswith("ctranslate2:") else self.address

    def task(self, name: str) -> tuple[str, Task]:
        """The task `name` as this model is asked, and how it is called. Where its drafts are set phrases,
        which nobody can be tuned to write, the task `writing` stands for it, if the model has one."""
        own = connect.task_folder(self.address) if self.address else None
        if own is None and self.kind == "seq2seq":
            own = task.BUILT_IN / "t5"
        found = task.load(task.find(name, own))
        if (
            own
            and found.escalation
            and found.escalation.draft.phrases
            and (own / f"{_WRITING}.toml").is_file()
        ):
            return _WRITING, task.load(own / f"{_WRITING}.toml")
        return name, found


def open_base(given: str, engine: str) -> Base:
    """The base in the folder `given`; "" is what the engine at the address `engine` was made from.

    Raises TuneError, naming what is missing.
    """
    if given and given != "pocket":
        folder = Path(given)
        _check(folder)
        return Base(folder, engine if _serves(engine, folder) else "")
    if given == "pocket" or engine == "pocket":
        if not _POCKET.is_dir():
            raise TuneError(
                "the pocket model is tuned from files that are in attune's repository and not in its "
                "package: give them with --base REPOSITORY/models/pocket-hf"
            )
        return Base(_POCKET, "pocket")
    folder = _served_from(engine)
    _check(folder)
    return Base(folder, engine)


def _check(folder: Path) -> None:
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if not any(folder.glob("*.safetensors")):
        missing.append("*.safetensors")
    if missing:
        raise TuneError(
            f"{folder}: {', '.join(missing)} missing: tuning needs a model's Hugging Face files "
            "(config.json, tokenizer.json, *.safetensors). Give their folder with --base."
        )


def _serves(engine: str, folder: Path) -> bool:
    """Whether the engine's model has the same vocabulary; a T5's, kept in another form, is taken on trust."""
    other = _served_from(engine) / "tokenizer.json"
    if engine.startswith("ctranslate2:"):
        return True
    return other.is_file() and other.read_bytes() == (folder / "tokenizer.json").read_bytes()


def _served_from(engine: str) -> Path:
    return (
        POCKET if engine.partition("?")[0] == "pocket" else Path(engine.partition(":")[2].partition("?")[0])
    )
