"""What goes into one step: decodes first, then options to score, then as much prefill as fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from attune.engines.openvino.blocks import BLOCK_TOKENS, BlockPool, blocks_for
from attune.engines.openvino.model import Row
from attune.engines.openvino.sequence import Sequence
from attune.engines.openvino.slots import PickWriter


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a step and whose it is; `option` when it is the fork of a pick."""

    sequence: Sequence
    row: Row
    option: int | None = None


@dataclass(slots=True)
class Plan:
    """One step. `sources` are to be copied to `targets` before it, `borrowed` given back after it."""

    entries: list[Entry] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    borrowed: list[int] = field(default_factory=list)


class Scheduler:
    """At most `step_tokens` tokens and `head_rows` rows of logits in a step."""

    def __init__(self, pool: BlockPool, step_tokens: int, head_rows: int) -> None:
        self._pool = pool
        self._step_tokens = step_tokens
        self._head_rows = head_rows

    def plan(self, running: list[Sequence]) -> Plan:
        plan = Plan()
        tokens, rows = self._step_tokens, self._head_rows
        for sequence in sorted(running, key=_turn):
            if tokens <= 0 or rows <= 0:
                break
            for entry in self._entries(sequence, plan, tokens, rows):
                plan.entries.append(entry)
                tokens -= len(entry.row.tokens)
                rows -= entry.row.wanted
        return plan

    def _entries(self, sequence: Sequence, plan: Plan, tokens: int, rows: int) -> Iterator[Entry]:
        if sequence.waiting:
            count = min(sequence.waiting, tokens)
            wanted = int(count == sequence.waiting)
            yield Entry(sequence, Row(sequence.chunk(count), sequence.cached, sequence.blocks, wanted))
            return
        writer = sequence.writer
        assert isinstance(writer, PickWriter), "nothing to feed and nothing to score"
        own: list[int] | None = sequence.scratch
        while writer.waiting:
            ids = writer.fork(writer.waiting[0])
            tokens, rows = tokens - len(ids), rows - len(ids)
            if own is None and (tokens < 0 or rows < 0):
                return
            scratch = own or self._borrow(plan, sequence.cached % BLOCK_TOKENS + len(ids))
            if scratch is None:
                return
            own = None
            yield Entry(sequence, self._fork(sequence, plan, ids, scratch), writer.waiting.popleft())

    def _borrow(self, plan: Plan, tokens: int) -> list[int] | None:
        blocks = self._pool.take(blocks_for(tokens))
        plan.borrowed += blocks or []
        return blocks

    def _fork(self, sequence: Sequence, plan: Plan, ids: list[int], scratch: list[int]) -> Row:
        """A row that shares the sequence's full blocks and goes on in a copy of its last, partly full one."""
        full, part = divmod(sequence.cached, BLOCK_TOKENS)
        if part:
            plan.sources.append(sequence.blocks[full])
            plan.targets.append(scratch[0])
        return Row(ids, sequence.cached, sequence.blocks[:full] + scratch, len(ids))


def _turn(sequence: Sequence) -> int:
    """Decodes (one token each, and somebody waits for every one) before scoring before prefill."""
    return 0 if sequence.waiting == 1 else 1 if sequence.waiting == 0 else 2
