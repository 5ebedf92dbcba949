"""Adding an arm, past the gate: what `arms add` and `loop` share."""

from __future__ import annotations

from pathlib import Path

from attune.arms import BASE, Arm, Split
from attune.cli.gate import Gate
from attune.config import Config
from attune.store import Store
from attune.store.arms import Change

OWN = Split((Arm("", "", BASE),), 1)
"""The first split of a store: what the workers were started with."""


def add(
    store: Store,
    arm: Arm,
    config: Config,
    gate: Gate | None,
    adapter: Path | None = None,
    by: str = "",
    reason: str = "",
) -> tuple[Split, str]:
    """The split with `arm` in it, live from now on, and what the gate said; without one the arm is forced.

    It is compared with the arm that has most chats. Raises Refused, and then nothing has changed.
    """
    live = store.arms.live()
    base = max((live or OWN).arms, key=lambda each: each.weight)
    split = (live or OWN).added(arm)
    told = gate.check(arm, base, adapter, config) if gate else ""
    before = () if live else (Change(OWN, "begin", BASE, by, ""),)
    store.arms.write(*before, Change(split, "add" if gate else "add --force", arm.name, by, reason))
    return split, told
