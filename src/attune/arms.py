"""Arms: which engine and task a chat is handled by. The same chat id gets the same arm everywhere."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from attune.errors import AttuneError, BadConfig

BASE = "base"
"""The arm of the settings' own engine and task, which is the only one until another is added."""


class Refused(AttuneError):
    """The arms stay as they are: what is asked for cannot be, or somebody must look first."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a split: an engine's address, a task, and its share of the chats.

    "" is the engine, or the task, that a worker was started with, and an engine like "?adapter=PATH" that
    engine with an adapter. `sampling` has the parameters of generation by which drafts are drawn; with
    `drafter`, the address of another engine, that one drafts what this one has read.
    """

    engine: str = "pocket"
    task: str = "triage"
    name: str = BASE
    weight: float = 1.0
    sampling: Mapping[str, Any] = field(default_factory=dict)
    drafter: str = ""

    def on(self, own: Arm) -> Arm:
        """The same arm for a worker that was started with the engine and the task of `own`."""
        engine = self.engine or own.engine
        if engine.startswith("?"):
            more = engine if "?" not in own.engine else f"&{engine[1:]}"
            engine = f"{own.engine}{more}"
        return replace(self, engine=engine, task=self.task or own.task)


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

    def arm(self, name: str) -> Arm:
        """The arm of that name. Raises Refused, naming those that are there."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise Refused(f"no arm is called {name!r}; there are: {', '.join(arm.name for arm in self.arms)}")

    def added(self, arm: Arm) -> Split:
        """With one more arm, whose weight is its share of all chats; the others keep theirs to each other."""
        if any(each.name == arm.name for each in self.arms):
            raise Refused(f"there is an arm {arm.name!r} already: remove it first, or take another name")
        return self._with((*self.arms, arm), arm)

    def weighed(self, name: str, weight: float) -> Split:
        """With another share for one arm: only chats that come to it or leave it are moved."""
        return self._with(self.arms, replace(self.arm(name), weight=weight))

    def promoted(self, name: str) -> Split:
        """With all chats for one arm. The others stay loaded with a weight of 0: a way back is a moment."""
        return self.weighed(name, 1.0)

    def removed(self, name: str) -> Split:
        """Without an arm: its chats go to the others by their weights."""
        gone = self.arm(name)
        left = tuple(arm for arm in self.arms if arm is not gone)
        if not any(arm.weight for arm in left):
            raise Refused(f"{name} has all chats: promote another arm before, or roll back")
        return Split(_scaled(left, 1.0), self.version + 1)

    def _with(self, arms: Sequence[Arm], changed: Arm) -> Split:
        if not 0 <= changed.weight <= 1:
            raise Refused(f"a weight is a share of all chats, from 0 to 1, and {changed.weight:g} is none")
        others = _scaled([arm for arm in arms if arm.name != changed.name], 1 - changed.weight)
        by_name = {arm.name: arm for arm in (*others, changed)}
        return Split(tuple(by_name[arm.name] for arm in arms), self.version + 1)


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
    except ValueError as error:
        raise BadConfig(f"not a split of arms: {type(error).__name__}: {error}") from error
    return split_of(record)


def split_of(record: Mapping[str, Any]) -> Split:
    """The split of such a record. Raises BadConfig for anything else."""
    try:
        return Split(tuple(Arm(**arm) for arm in record["arms"]), int(record["version"]))
    except (ValueError, TypeError, KeyError) as error:
        raise BadConfig(f"not a split of arms: {type(error).__name__}: {error}") from error


def to_json(split: Split) -> str:
    record: dict[str, Any] = asdict(split)
    return json.dumps(record)


def _scaled(arms: Sequence[Arm], total: float) -> tuple[Arm, ...]:
    """The arms with weights that sum to `total`, as they are to each other."""
    have = math.fsum(arm.weight for arm in arms)
    if not have and total:
        raise Refused(
            "no other arm would get the rest: give it to one by name (attune arms weight NAME SHARE)"
        )
    return tuple(replace(arm, weight=round(arm.weight / have * total, 9) if total else 0.0) for arm in arms)


def _unit(text: str) -> float:
    """A number above 0 and below 1 that depends on `text` alone."""
    return (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest()) + 0.5) / 2**56
