"""What is known of an adapter: its record, which tuning writes into the folder, and its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from attune.adapters.card import card
from attune.errors import ModelError
from attune.whole import write_whole

RECORD = "attune.json"
EPOCHS = "epochs"


@dataclass(frozen=True, slots=True)
class Base:
    """The model that an adapter changes: the engine's address and the model's id as it was tuned for, and
    the hashes of the weights, by their files' names (see `weights.hashes`)."""

    address: str
    model: str
    weights: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskOf:
    """The task whose prompt the examples have; empty where nobody knows."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Data:
    """What it was tuned on: `examples` trained, `held_out` not; `hash` is of both together."""

    hash: str = ""
    examples: int = 0
    held_out: int = 0
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """`epochs` has the figures of each epoch, `epoch` among them, and `chosen` is the one that serves.
    `evaluation` has figures on held-out data: of the model alone under "base", with it under "adapter"."""

    name: str
    base: Base
    kind: Literal["causal", "seq2seq"]
    created: str
    attune: str
    task: TaskOf = TaskOf()
    data: Data = Data()
    settings: Mapping[str, Any] = field(default_factory=dict)
    epochs: tuple[Mapping[str, float], ...] = ()
    chosen: int = 0
    evaluation: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    license: str = ""


def write(record: Record, folder: Path) -> None:
    """Writes the record into the adapter's folder, and the card made from it.

    Raises AttuneError where the disk refuses.
    """
    told = asdict(record)
    write_whole(folder / "README.md", card(told), str(folder / "README.md"))
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    write_whole(folder / RECORD, text, str(folder / RECORD))


def read(folder: Path) -> Record:
    """The record of the adapter in `folder`, or of the one whose epoch that is.

    Raises ModelError where there is none that can be read.
    """
    path = home(folder) / RECORD
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        base, task, data = told.pop("base"), told.pop("task", {}), told.pop("data", {})
        languages = tuple(data.pop("languages", ()))
        epochs = tuple(told.pop("epochs", ()))
        return Record(
            base=Base(**base),
            task=TaskOf(**task),
            data=Data(**data, languages=languages),
            epochs=epochs,
            **told,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{path} is not the record of an adapter ({error}): import the adapter again."
        ) from error


def home(folder: Path) -> Path:
    """The adapter's own folder, where `folder` is that or one of its epochs."""
    return folder.parent.parent if folder.parent.name == EPOCHS else folder
