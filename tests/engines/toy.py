"""A model small enough to check every step of: what it keeps of a token is a hash of all up to it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from tests.engines.asking import log_probabilities

from attune.decode.draw import Row
from attune.engines.paged.blocks import BLOCK_TOKENS, BlockPool
from attune.engines.paged.pick import PickWriter
from attune.engines.paged.plan import Entry, Plan
from attune.engines.paged.scheduler import Scheduler
from attune.engines.paged.sequence import Sequence
from attune.engines.paged.tokens import Tokens
from attune.request import Pick

VOCABULARY = 3
_BEGINNING = 7
_RUBBISH = -1


class Cutter:
    """Writes `count` tokens and then, like a text that met its limit, takes the last `cut` back."""

    def __init__(self, count: int, cut: int = 0) -> None:
        self.name, self.text, self.finish = "cutter", "", "stop"
        self.probability: float | None = None
        self.ids: list[int] = []
        self.done = False
        self.most = count
        self._cut = cut

    def start(self) -> None:
        pass

    def read(self, logits: Row) -> None:
        self.ids.append(int(logits.argmax()))
        self.done = len(self.ids) == self.most

    def settle(self) -> int:
        self.text = str(self.ids)
        kept = len(self.ids) - self._cut
        self.ids = [*self.ids[:kept], 0]
        return kept


class _Letters:
    def encode(self, text: str) -> list[int]:
        return ["abc".index(letter) for letter in text]


def pick(*options: str) -> PickWriter:
    """A pick among texts of the letters a, b and c."""
    return PickWriter(Pick("said", options), cast(Tokens, _Letters()))


class Toy:
    """Runs plans over blocks it keeps, and looks at every one: no slot is written that another holds or
    that was written in this step before, and what is read is what the sequence's own tokens make."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.fed = 0
        """Tokens of all steps, those of forks included."""
        self._slots = [[_RUBBISH] * BLOCK_TOKENS for _ in range(scheduler.pool.size)]

    def step(self, fails: bool = False) -> None:
        plan = self.scheduler.plan()
        assert plan.entries, "nobody goes on"
        sources = {target: list(self._slots[source]) for target, source in plan.copies.items()}
        for target, slots in sources.items():
            self._slots[target] = slots
        written: set[tuple[int, int]] = set()
        logits = [self._row(entry, written, fails) for entry in plan.entries]
        for entry, mine in zip(plan.entries, logits, strict=True):
            if fails:
                self.scheduler.drop(entry.sequence)
            elif entry.option is None:
                entry.sequence.fed(len(entry.row.tokens), mine)
            else:
                following = entry.row.following
                scores = log_probabilities(mine)[range(len(following)), following]
                entry.sequence.scored(entry.option, scores.astype(np.float32))
        self.scheduler.stepped(plan)
        for sequence in plan.sequences:
            if sequence.done:
                self.scheduler.drop(sequence)
        look_over(self.scheduler.pool, self.scheduler.running, plan)

    def _row(self, entry: Entry, written: set[tuple[int, int]], fails: bool) -> npt.NDArray[Any]:
        row = entry.row
        self.fed += len(row.tokens)
        seen = _BEGINNING
        for position, token in enumerate(entry.sequence.tokens(0, row.past)):
            seen = hash((seen, token))
            block, slot = row.table[position // BLOCK_TOKENS], position % BLOCK_TOKENS
            assert self._slots[block][slot] == seen, "another's token stands here"
        logits = []
        for position, token in enumerate(row.tokens, start=row.past):
            seen = hash((seen, token))
            block, slot = row.table[position // BLOCK_TOKENS], position % BLOCK_TOKENS
            assert (block, slot) not in written, "two write here"
            assert self.scheduler.pool._holders[block] == 1, "others hold what is written"
            written.add((block, slot))
            self._slots[block][slot] = _RUBBISH if fails else seen
            logits.append(np.random.default_rng(abs(seen)).normal(0, 3, VOCABULARY))
        return np.array(logits[len(logits) - row.wanted :], np.float32)


def look_over(pool: BlockPool, running: list[Sequence], plan: Plan) -> None:
    """Every block is held by exactly those who list it, and the others are free."""
    holders = [0] * pool.size
    for sequence in running:
        for block in sequence.blocks:
            holders[block] += 1
    assert not plan.borrowed
    assert pool._holders == holders
    assert sorted([*pool._empty, *pool._idle]) == [block for block in range(pool.size) if not holders[block]]
    assert {block for family in pool._children.values() for _, block in family} == set(pool._published)
