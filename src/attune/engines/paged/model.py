"""What a model with a paged key-value cache is to the loop: rows of tokens in, logits out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """A run of new tokens of one sequence. `table` lists its blocks, those of its past first; the
    logits of its last `wanted` tokens are asked for. With `following`, as many tokens as are wanted, it
    is the log-probability of each of these after what stands before it."""

    tokens: list[int]
    past: int
    table: list[int]
    wanted: int
    following: list[int] = field(default_factory=list)


class PagedModel(Protocol):
    """A model whose cache is blocks of BLOCK_TOKENS tokens. It runs once they are allocated."""

    @property
    def vocabulary(self) -> int:
        """How many tokens it tells apart."""

    @property
    def block_bytes(self) -> int:
        """What a block takes, in all layers."""

    def allocate(self, blocks: int) -> None: ...

    def copy_blocks(self, sources: list[int], targets: list[int]) -> None:
        """Copies what the blocks `sources` hold to `targets`, in every layer, all at once."""

    def infer(self, rows: list[Row]) -> tuple[Logits, Logits]:
        """One step over `rows`: the logits of all wanted tokens, in order, shape [wanted, vocabulary], and
        the log-probabilities of all following, in order.

        The arrays are the model's own and hold until the next step.
        """
