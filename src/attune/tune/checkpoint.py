"""Checkpoint: all of a training that the next sitting needs, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from attune.errors import AttuneError, TuneError
from attune.tune.lesson import Lesson
from attune.tune.settings import Settings


@dataclass(slots=True)
class State:
    """Where a training stands after `step` steps. Chance has no place here: it is a function of the step."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    running: tuple[float, int, int, int] = (0.0, 0, 0, 0)
    """The sums of the epoch that has begun: see `model.Said`."""
    epochs: list[dict[str, Any]] = field(default_factory=list)
    adapter: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)


def save(folder: Path, key: str, state: State) -> None:
    """Writes the state durably in the place of the one before. Raises AttuneError where the disk refuses."""
    path = _path(folder)
    part = path.with_suffix(".part")
    held = {name: getattr(state, name) for name in State.__slots__}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            torch.save({"key": key, **held}, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise AttuneError(f"{path} cannot be written: {error.strerror}") from error


def load(folder: Path, key: str) -> State | None:
    """The state in `folder`; None where there is none. Raises TuneError for one of another training."""
    path = _path(folder)
    if not path.is_file():
        return None
    held = torch.load(path, map_location="cpu", weights_only=True)
    if held.pop("key") != key:
        raise TuneError(
            f"{path} is of a training with other examples, settings or another base: "
            "remove its folder, or take another name."
        )
    return State(**held)


def key(base: Path, lessons: Sequence[Lesson], held_out: Sequence[Lesson], settings: Settings) -> str:
    """Which training it is: a hash of all that its weights depend on, the base by its files' sizes."""
    files = {path.name: path.stat().st_size for path in sorted(base.iterdir()) if path.is_file()}
    lists = [[asdict(each) for each in side] for side in (lessons, held_out)]
    told = json.dumps([files, asdict(settings), lists], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _path(folder: Path) -> Path:
    return folder / "checkpoint" / "state.pt"
