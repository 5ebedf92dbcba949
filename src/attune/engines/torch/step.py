"""A step on the device: where its tokens' keys are written, and which keys its tokens see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from attune.engines.paged.blocks import BLOCK_TOKENS, blocks_for
from attune.engines.paged.model import Row

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows that attend in one call: `queries` [rows, tokens] are places in the step, those of shorter rows
    filled up with their last. Of the keys in `blocks` [rows, blocks] a token may see the `part`, and there
    what `mask` [rows, 1, tokens, keys] allows, or all of it where there is none."""

    queries: Any
    blocks: Any
    part: slice
    mask: Any


class Step:
    """`rows` one after the other, as one sequence of tokens.

    With `together`, rows of about one length attend in one call, as a GPU needs it: a CPU is faster row by
    row (measured: 32 rows of one token after 700 took 2.5 times as long in one call).
    """

    def __init__(self, rows: list[Row], device: Any, together: bool) -> None:
        self._device = device
        lengths = np.array([len(row.tokens) for row in rows])
        self._begins = np.cumsum(lengths) - lengths
        self._groups = list(_alike(rows)) if together else [[index] for index in range(len(rows))]
        self._rows = rows
        self._seen: dict[int | None, list[Seen]] = {}
        self.ids = self._tensor(np.concatenate([row.tokens for row in rows]))
        positions = [np.arange(row.past, row.past + len(row.tokens)) for row in rows]
        self.positions = self._tensor(np.concatenate(positions))
        tables = [np.array(row.table)[at // BLOCK_TOKENS] for row, at in zip(rows, positions, strict=True)]
        self.slots = self._tensor(
            np.concatenate(tables) * BLOCK_TOKENS + np.concatenate(positions) % BLOCK_TOKENS
        )
        ends = self._begins + lengths
        wanted = [np.arange(end - row.wanted, end) for row, end in zip(rows, ends, strict=True)]
        self.wanted = self._tensor(np.concatenate(wanted))
        scored = np.repeat([bool(row.following) for row in rows], [row.wanted for row in rows])
        self.scored = self._tensor(np.flatnonzero(scored))
        self.following = self._tensor(np.array([token for row in rows for token in row.following], np.int64))
        self.order = self._order(lengths) if together else None
        """For each token of the step its place among the groups' queries, where that is another."""

    def seen(self, window: int | None) -> list[Seen]:
        """What each group sees, of the last `window` keys each token, its own included."""
        if window not in self._seen:
            self._seen[window] = [self._look(group, window) for group in self._groups]
        return self._seen[window]

    def _look(self, group: list[int], window: int | None) -> Seen:
        rows = [self._rows[index] for index in group]
        most = max(len(row.tokens) for row in rows)
        firsts = [max(0, row.past + 1 - window) // BLOCK_TOKENS if window else 0 for row in rows]
        tables = [
            row.table[first : blocks_for(row.past + len(row.tokens))]
            for row, first in zip(rows, firsts, strict=True)
        ]
        width = max(map(len, tables))
        blocks = self._tensor(np.array([[*table, *[0] * (width - len(table))] for table in tables]))
        places = [self._begins[index] + _filled(row, most) for index, row in zip(group, rows, strict=True)]
        queries = self._tensor(np.array(places))
        part = slice(0, width * BLOCK_TOKENS)
        if len(rows) == 1:
            begin = max(0, rows[0].past + 1 - window) if window else 0
            before = firsts[0] * BLOCK_TOKENS
            part = slice(begin - before, rows[0].past + most - before)
            if most == 1:
                return Seen(queries, blocks, part, None)
        keys = np.array(firsts)[:, None] * BLOCK_TOKENS + np.arange(part.start, part.stop)
        asked = np.array([row.past + _filled(row, most) for row in rows])
        back = self._tensor(asked)[:, None, :, None] - self._tensor(keys)[:, None, None]
        return Seen(queries, blocks, part, (back >= 0) & (back < window) if window else back >= 0)

    def _order(self, lengths: Ints) -> Any:
        order = np.empty(lengths.sum(), np.int64)
        start = 0
        for group in self._groups:
            most = lengths[group].max()
            for index in group:
                begin = self._begins[index]
                order[begin : begin + lengths[index]] = start + np.arange(lengths[index])
                start += most
        return self._tensor(order)

    def _tensor(self, values: Ints) -> Any:
        return torch.from_numpy(np.ascontiguousarray(values, np.int64)).to(self._device)


def _filled(row: Row, most: int) -> Ints:
    """The places of a row's tokens in it, the last again up to `most`."""
    return np.minimum(np.arange(most), len(row.tokens) - 1)


def _alike(rows: list[Row]) -> Iterator[list[int]]:
    """The rows by their number of tokens: none in a group is twice as long as another."""
    order = sorted(range(len(rows)), key=lambda index: len(rows[index].tokens))
    for _, group in groupby(order, key=lambda index: len(rows[index].tokens).bit_length()):
        yield list(group)
