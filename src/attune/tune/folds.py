"""Folds: which examples are held out while the others are trained on, always the same ones for a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

FEW = 40
"""With fewer chats each is held out once: a fifth of them would say nothing."""
FOLDS = 4
_SHARE = 5
"""Of many chats one in so many is held out,"""
_MOST_HELD_OUT = 400
"""and never more than this."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Places of the examples that are trained on, and of those held out."""

    trained: tuple[int, ...]
    held_out: tuple[int, ...]


def folds(chats: Sequence[str], seed: int, wanted: int | None = None) -> list[Fold]:
    """How examples are split, from a key of each one's chat: all examples of a chat stay together.

    With `FEW` chats or more one fold, whose training is the adapter. With fewer (or by `wanted`) k of them:
    each trains only to tell the best epoch, and then the adapter is trained on all. None where `wanted` is
    0 or there is only one chat.
    """
    order = sorted(set(chats), key=lambda chat: hashlib.sha256(f"{seed} {chat}".encode()).digest())
    count = (1 if len(order) >= FEW else FOLDS) if wanted is None else wanted
    if count == 0 or len(order) < 2:
        return []
    if count == 1:
        return [_fold(chats, set(order[: min(_MOST_HELD_OUT, -(-len(order) // _SHARE))]))]
    count = min(count, len(order))
    return [_fold(chats, set(order[number::count])) for number in range(count)]


def _fold(chats: Sequence[str], held_out: set[str]) -> Fold:
    places = range(len(chats))
    return Fold(
        tuple(place for place in places if chats[place] not in held_out),
        tuple(place for place in places if chats[place] in held_out),
    )
