"""What waits to be run, and which of it goes together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from attune.engines.seq2seq.work import Generate, Work, kind, length, width

_NEAR = 1.5
"""Works are run together whose lengths differ by half at most: the shorter ones are padded."""
_NEAR_TOKENS = 32
"""Below this length all are near."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a batch may be: tokens of its sources with padding, and sequences in the decoder.
    `drawn` are sequences whose logits are kept."""

    tokens: int
    sequences: int
    drawn: int


@dataclass(eq=False, slots=True)
class Item:
    """A work, the number of its request in order of arrival, and whether nobody waits for it any more."""

    work: Work
    turn: int
    unwanted: Callable[[], bool]
    done: Callable[[Exception | None], None]


class Waiting:
    """Whoever takes a batch gets the work whose request came first, and what is there of the same kind and
    about the same length: nobody waits for a batch to fill."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._items: list[Item] = []
        self._change = threading.Condition()
        self._closed = False

    def put(self, items: list[Item]) -> bool:
        """Whether they were let in."""
        with self._change:
            if not self._closed:
                self._items.extend(items)
                self._change.notify(len(items))
            return not self._closed

    def take(self) -> list[Item]:
        """The next batch, waited for; empty once closed."""
        with self._change:
            while True:
                if self._closed:
                    return []
                self._items = [item for item in self._items if not item.unwanted()]
                if self._items:
                    return self._batch()
                self._change.wait()

    def close(self) -> list[Item]:
        """Lets nothing more in, and gives what waited."""
        with self._change:
            self._closed = True
            self._change.notify_all()
            left, self._items = self._items, []
        return left

    def _batch(self) -> list[Item]:
        first = min(self._items, key=lambda item: item.turn)
        size = max(length(first.work), _NEAR_TOKENS)
        near = [item for item in self._items if self._fits(item.work, first.work, size)]
        near.sort(key=lambda item: item.turn)
        batch: list[Item] = []
        longest = 0
        for item in near:
            longest = max(longest, length(item.work))
            if batch and not self._room(len(batch) + 1, longest, first.work):
                break
            batch.append(item)
        taken = set(map(id, batch))
        self._items = [item for item in self._items if id(item) not in taken]
        return batch

    def _fits(self, work: Work, first: Work, size: int) -> bool:
        return kind(work) == kind(first) and size / _NEAR <= max(length(work), _NEAR_TOKENS) <= size * _NEAR

    def _room(self, count: int, longest: int, first: Work) -> bool:
        most = self._bounds.sequences if isinstance(first, Generate) else self._bounds.drawn
        return count * longest <= self._bounds.tokens and count * width(first) <= most
