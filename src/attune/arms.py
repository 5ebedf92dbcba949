"""Arms: which engine and task a chat is handled by. The same chat id gets the same arm everywhere."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from attune.errors import BadConfig

BASE = "base"
"""The arm of the settings' own engine and task, which is the only one until another is added."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a split: an engine's address, a task, and its share of the chats.

    With `sampling`, parameters of generation, it drafts; with `drafter`, the address of another engine, that
    one drafts what this one has read.
    """

    engine: str = "pocket"
    task: str = "triage"
    name: str = BASE
    weight: float = 1.0
    sampling: Mapping[str, Any] = field(default_factory=dict)
    drafter: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """The arms that serve from now on. Of several the one with the highest `version` counts.

    An arm of weight 0 is loaded and gets no chat. Raises BadConfig for names that are not each its own, and
    for weights that are none.
    """

    arms: tuple[Arm, ...]
    version: int = 0

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if not self.arms or len(set(names)) < len(names):
            raise BadConfig(f"a split needs one arm or more, each with a name of its own, not {names}")
        if not all(0 <= arm.weight < math.inf for arm in self.arms) or not any(
            arm.weight for arm in self.arms
        ):
            raise BadConfig("the weight of an arm is a number of 0 or above, and one arm has more than 0")


def choose(key: str, arms: Sequence[Arm]) -> Arm:
    """The arm of the chat `key`: its share is its weight, and a change of one weight moves as few as it can.

    Weighted rendezvous hashing (Schindelhauer and Schomaker, 2005).
    """
    if len(arms) == 1:
        return arms[0]
    return max(arms, key=lambda arm: -arm.weight / math.log(_unit(f"{arm.name}\0{key}")))


def split_of_json(text: str | bytes) -> Split:
    """The split in `{"version": 2, "arms": [{"name": "b", "engine": "openvino:b", "weight": 0.1}, …]}`.

    Raises BadConfig for anything else.
    """
    try:
        record = json.loads(text)
        return Split(tuple(Arm(**arm) for arm in record["arms"]), int(record["version"]))
    except (ValueError, TypeError, KeyError) as error:
        raise BadConfig(f"not a split of arms: {type(error).__name__}: {error}") from error


def to_json(split: Split) -> str:
    record: dict[str, Any] = asdict(split)
    return json.dumps(record)


def _unit(text: str) -> float:
    """A number above 0 and below 1 that depends on `text` alone."""
    return (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest()) + 0.5) / 2**56
