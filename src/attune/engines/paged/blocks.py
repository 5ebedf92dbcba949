"""The key-value cache's blocks: who holds which, and which tokens stand in them.

What stands in a block is found again by its content: the tokens it holds and the name of the block
before it, which says everything before them. A block that nobody holds stays findable until it is needed.
"""

from __future__ import annotations

from bisect import bisect_left
from hashlib import blake2b

import numpy as np

BLOCK_TOKENS = 32
"""Tokens in a block: what the paged attention of OpenVINO's CPU plugin is built for."""
ROOT = b""
"""The name of what is before a first block."""

Content = tuple[int, ...]


def blocks_for(tokens: int) -> int:
    """How many blocks hold `tokens` tokens."""
    return -(-tokens // BLOCK_TOKENS)


def name_of(parent: bytes, tokens: list[int]) -> bytes:
    """The name of a full block: no two contents share one, even where a customer tries to make them."""
    return blake2b(parent + np.array(tokens, np.int64).tobytes(), digest_size=16).digest()


class BlockPool:
    """Blocks 0 … `size`-1. One that holds nothing is handed out before one that can still be found, and
    of those the one longest not held; so memory that was never needed is never touched."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._holders = [0] * size
        self._empty = list(range(size - 1, -1, -1))
        self._idle: dict[int, None] = {}
        """Blocks that nobody holds and that can be found, the longest idle first."""
        self._published: dict[int, tuple[bytes, Content]] = {}
        self._children: dict[bytes, list[tuple[Content, int]]] = {}
        """By the name of the block before: what is findable after it, in order, so that the content that
        shares most tokens with another stands beside it."""

    @property
    def free(self) -> int:
        """How many blocks nobody holds."""
        return len(self._empty) + len(self._idle)

    def take(self, count: int) -> list[int] | None:
        """`count` blocks to write, or None (and nothing taken) when fewer are free."""
        if count > self.free:
            return None
        blocks = [self._empty.pop() if self._empty else self._evict() for _ in range(count)]
        for block in blocks:
            self._holders[block] = 1
        return blocks

    def hold(self, blocks: list[int]) -> None:
        """One holder more for blocks that were found."""
        for block in blocks:
            self._holders[block] += 1
            self._idle.pop(block, None)

    def give_back(self, blocks: list[int]) -> None:
        """One holder less for each of `blocks`, and empties the list. Their last are the first to be
        taken by others, since nobody finds a block without those before it."""
        for block in reversed(blocks):
            self._holders[block] -= 1
            assert self._holders[block] >= 0, "a block was given back twice"
            if self._holders[block]:
                continue
            if block in self._published:
                self._idle[block] = None
            else:
                self._empty.append(block)
        blocks.clear()

    def publish(self, block: int, parent: bytes, tokens: Content) -> None:
        """Makes `block` findable as what holds `tokens` after the block named `parent`. Its holder may write
        after them, and publish again, but never change them."""
        if self._published.get(block) == (parent, tokens):
            return
        self._withdraw(block)
        family = self._children.setdefault(parent, [])
        place = bisect_left(family, (tokens, -1))
        if place == len(family) or family[place][0] != tokens:
            family.insert(place, (tokens, block))
            self._published[block] = parent, tokens

    def find(self, parent: bytes, tokens: Content) -> tuple[int, int]:
        """The block after `parent` that begins with most of `tokens`, and with how many (0: none does)."""
        family = self._children.get(parent, [])
        place = bisect_left(family, (tokens, -1))
        beside = family[max(0, place - 1) : place + 1]
        shared = [(_shared(tokens, content), block) for content, block in beside]
        count, block = max(shared, default=(0, -1))
        return block, count

    def _evict(self) -> int:
        block = next(iter(self._idle))
        del self._idle[block]
        self._withdraw(block)
        return block

    def _withdraw(self, block: int) -> None:
        if block not in self._published:
            return
        parent, tokens = self._published.pop(block)
        family = self._children[parent]
        del family[bisect_left(family, (tokens, block))]
        if not family:
            del self._children[parent]


def _shared(one: Content, other: Content) -> int:
    """How many tokens both begin with."""
    for count, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            return count
    return min(len(one), len(other))
