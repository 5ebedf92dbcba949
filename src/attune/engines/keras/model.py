"""A KerasHub model over a cache of blocks: the rows of a step, sorted into batches of a few fixed shapes.

JAX compiles a function for each shape it is given. So a row's new tokens are fed in runs, each padded to one
of the WIDTHS; the cache is seen in lengths that are powers of two; and a batch has 1, 8 or 64 rows, the last
of them empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.engines.keras.step import Layout, Step, compiled, last, log_probabilities
from attune.engines.paged.blocks import BLOCK_TOKENS
from attune.engines.paged.model import Logits, Row

WIDTHS = (1, 16, 64, 256)
"""Tokens of a run are padded to the next of these."""
LEAST_CONTEXT = 256
"""The cache of a row is seen in so many tokens at least, then twice as many, and so on."""
ROWS = (64, 8, 1)
"""A batch is padded to the least of these that holds it."""
_BATCH_TOKENS = 2048
_SCORED_TOKENS = 256
"""New tokens of a batch at most, and those whose logits are all looked at."""
_GATHERED_BYTES = 2**30
"""What the rows of a batch have in the cache is laid out side by side for the model: so much at most."""


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens of the row numbered `row`, `past` others before them, and the shape that holds them."""

    row: int
    tokens: list[int]
    past: int
    table: list[int]
    following: list[int]

    @property
    def shape(self) -> tuple[int, int]:
        """New tokens, and tokens of the cache that the model sees."""
        width = next(width for width in WIDTHS if width >= len(self.tokens))
        context = LEAST_CONTEXT
        while context < self.past + width:
            context *= 2
        return width, context


class KerasModel:
    """`model`, a KerasHub CausalLM, over a paged cache. One thread runs it."""

    def __init__(self, model: Any) -> None:
        import jax

        self._layout = Layout(model)
        self._weights = [variable.value for variable in model.variables]
        self._feed = compiled(model, self._layout, None)
        self._read = compiled(model, self._layout, last)
        self._score = compiled(model, self._layout, log_probabilities)
        self._copy = jax.jit(
            lambda cache, sources, targets: jax.tree.map(
                lambda kept: kept.at[targets].set(kept[sources]), cache
            ),
            donate_argnums=0,
        )
        self.vocabulary = int(model.backbone.vocabulary_size)
        self.block_bytes = BLOCK_TOKENS * self._layout.token_bytes
        self._blocks = 0
        self._cache: Any = None

    def allocate(self, blocks: int) -> None:
        """Makes the cache, with one block more: what is padded is written there."""
        self._blocks = blocks
        self._cache = self._layout.zeros((blocks + 1) * BLOCK_TOKENS)

    def copy_blocks(self, sources: list[int], targets: list[int]) -> None:
        padding = [self._blocks] * (_power_of_two(len(sources)) - len(sources))
        self._cache = self._copy(self._cache, _places(sources + padding), _places(targets + padding))

    def infer(self, rows: list[Row]) -> tuple[Logits, Logits]:
        """As in `paged.model`: a row is fed but for its last token, and that with those of all others, so
        that logits are made of single tokens; forks are scored whole."""
        for runs in zip_longest(*(_runs(number, row) for number, row in enumerate(rows))):
            for batch in self._batches([run for run in runs if run], _BATCH_TOKENS):
                self._run(self._feed, batch)
        lasts = [_run(number, row, len(row.tokens) - 1) for number, row in enumerate(rows) if _is_read(row)]
        forks = [_run(number, row, 0) for number, row in enumerate(rows) if row.following]
        begins = np.cumsum([0, *(row.wanted for row in rows)])
        logits = np.empty((begins[-1], self.vocabulary), np.float32)
        for batch in self._batches(lasts, _BATCH_TOKENS):
            logits[[begins[run.row] for run in batch]] = self._run(self._read, batch)[: len(batch)]
        scores = {
            run.row: scored[: len(run.following)]
            for batch in self._batches(forks, _SCORED_TOKENS)
            for run, scored in zip(batch, self._run(self._score, batch), strict=False)
        }
        return logits, np.concatenate(
            [np.empty(0, np.float32), *(scores[number] for number in sorted(scores))]
        )

    def _batches(self, runs: list[Run], tokens: int) -> Iterator[list[Run]]:
        """`runs` of one shape together, as many as a batch holds."""
        for (width, context), alike in groupby(sorted(runs, key=_shape), _shape):
            fitting = min(tokens // width, _GATHERED_BYTES // (context * self._layout.token_bytes))
            most = next((count for count in ROWS if count <= fitting), 1)
            together = list(alike)
            for start in range(0, len(together), most):
                yield together[start : start + most]

    def _run(self, step: Step, batch: list[Run]) -> Any:
        """Runs `batch` and gives what `step` reads, a row for each and for those that pad it."""
        width, context = batch[0].shape
        count = min(count for count in ROWS if count >= len(batch))
        ids, following = np.zeros((2, count, width), np.int32)
        pasts = np.zeros(count, np.int32)
        tables = np.full((count, context // BLOCK_TOKENS), self._blocks, np.int32)
        places = np.full((count, width), self._blocks * BLOCK_TOKENS, np.int32)
        for row, run in enumerate(batch):
            end = run.past + len(run.tokens)
            blocks = run.table[: -(-end // BLOCK_TOKENS)]
            ids[row, : len(run.tokens)] = run.tokens
            following[row, : len(run.following)] = run.following
            pasts[row] = run.past
            tables[row, : len(blocks)] = blocks
            places[row, : len(run.tokens)] = _places(blocks)[run.past : end]
        seen = _places(tables).reshape(count, context)
        self._cache, wanted = step(self._weights, self._cache, ids, pasts, seen, places, following)
        return None if wanted is None else np.asarray(wanted)


def _runs(number: int, row: Row) -> Iterator[Run]:
    """What is only fed of `row`: all of it, or all but the last token, in runs. None of a fork."""
    count = 0 if row.following else len(row.tokens) - _is_read(row)
    start = 0
    while start < count:
        left = count - start
        end = start + min(left, WIDTHS[3] if left > 2 * WIDTHS[2] else WIDTHS[2])
        yield _run(number, row, start, end)
        start = end


def _run(number: int, row: Row, start: int, end: int | None = None) -> Run:
    return Run(number, row.tokens[start:end], row.past + start, row.table, row.following)


def _is_read(row: Row) -> bool:
    return bool(row.wanted) and not row.following


def _shape(run: Run) -> tuple[int, int]:
    return run.shape


def _places(blocks: Any) -> npt.NDArray[np.int32]:
    """Where the tokens of `blocks`, [blocks] or [rows, blocks], stand in the cache, in one line a row."""
    tokens = np.asarray(blocks)[..., None] * BLOCK_TOKENS + np.arange(BLOCK_TOKENS)
    return tokens.astype(np.int32).reshape(*tokens.shape[:-2], -1)


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()
