"""The key-value cache's blocks: who has which."""

from __future__ import annotations

BLOCK_TOKENS = 32
"""Tokens in a block: what the paged attention of the CPU plugin is built for."""


def blocks_for(tokens: int) -> int:
    """How many blocks hold `tokens` tokens."""
    return -(-tokens // BLOCK_TOKENS)


class BlockPool:
    """Hands out block numbers 0 … `size`-1. The last given back is the first handed out again,
    so that memory which was never needed is never touched."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = list(range(size - 1, -1, -1))

    @property
    def free(self) -> int:
        return len(self._free)

    def take(self, count: int) -> list[int] | None:
        """`count` blocks, or None (and nothing taken) when fewer are free."""
        if count > len(self._free):
            return None
        return [self._free.pop() for _ in range(count)]

    def give_back(self, blocks: list[int]) -> None:
        """Empties `blocks` into the pool."""
        self._free.extend(reversed(blocks))
        blocks.clear()
        assert len(self._free) <= self.size, "a block was given back twice"
