"""What goes into one step: who runs, who waits for room, and how the step is shared out."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator

from attune.engines.paged.blocks import BLOCK_TOKENS, BlockPool, blocks_for
from attune.engines.paged.model import Row
from attune.engines.paged.pick import PickWriter
from attune.engines.paged.plan import Entry, Plan
from attune.engines.paged.sequence import Sequence

PATIENCE = 4
"""Who was passed over in so many steps comes before all who were not."""


class Scheduler:
    """First come, first served, in steps of about `step_tokens` tokens and `head_rows` rows of logits.

    A request runs when the cache has room for what stands of it, and finds there what others have left.
    Blocks are taken as they are needed. When none is left, the latest arrival gives up its own and waits
    again; they stay findable, so that coming back is mostly finding them. So the first always goes on,
    and everyone ends, in a pool that holds the longest sequence and a fork of it.
    """

    def __init__(self, pool: BlockPool, step_tokens: int, head_rows: int, most_running: int) -> None:
        self.pool = pool
        self.waiting: list[Sequence] = []
        self.running: list[Sequence] = []
        self.preemptions = self.prompt_tokens = self.cached_tokens = 0
        self._arrived = 0
        self._step_tokens = step_tokens
        self._head_rows = head_rows
        self._most_running = most_running

    def add(self, sequence: Sequence) -> None:
        self._arrived += 1
        sequence.number = self._arrived
        self.waiting.append(sequence)

    def drop(self, sequence: Sequence) -> None:
        """Forgets a sequence that is done, in trouble or not wanted any more. What others find of it is what
        steps have fed that succeeded."""
        if sequence in self.running:
            self.running.remove(sequence)
            self._release(sequence)
        elif sequence in self.waiting:
            self.waiting.remove(sequence)

    def plan(self) -> Plan:
        plan = Plan()
        self._admit(plan)
        for sequence, count in sorted(self._shares(), key=lambda share: share[0].number):
            if sequence not in self.running:  # gave its blocks to an earlier one
                continue
            entries = list(self._entries(sequence, count, plan))
            sequence.passed = 0 if entries else sequence.passed + 1
            plan.entries += entries
        if self.running and not plan.entries:
            # All shares went to the latest, for which there is no room: then the first goes on.
            first = self.running[0]
            first.passed = 0
            plan.entries += self._entries(first, min(max(1, first.waiting), self._step_tokens), plan)
        return plan

    def stepped(self, plan: Plan) -> None:
        """The step is over: what it has written can be found from now on."""
        self.pool.give_back(plan.borrowed)
        for sequence in plan.sequences:
            if sequence.blocks:
                self._publish(sequence, sequence.settled)

    def _admit(self, plan: Plan) -> None:
        """Lets requests run, first come first, as long as a step has room: who could only wait with blocks
        may as well wait without. One whose next block another is just computing waits for it."""
        room = self._step_tokens - sum(sequence.waiting for sequence in self.running)
        coming = {name for sequence in self.running for name in _coming(sequence)}
        promised = sum(blocks_for(each.standing) + 1 - len(each.blocks) for each in self.running)
        for sequence in self.waiting[: self._most_running]:
            if room <= 0 or len(self.running) >= self._most_running:
                return
            source, count = self._find(sequence)
            found = sequence.cached + count + 1 >= sequence.standing
            if found or coming.isdisjoint(_coming(sequence)[:1]):
                promised += blocks_for(sequence.standing) + 1 - len(sequence.blocks)
                if self.running and promised > self.pool.free:
                    self._release(sequence)
                    return
                self._begin(sequence, source, count, plan)
                room -= sequence.waiting
                coming.update(_coming(sequence))
            else:
                self._release(sequence)

    def _find(self, sequence: Sequence) -> tuple[int, int]:
        """Gives `sequence` the full blocks that hold the beginning of what stands, and says which block holds
        how many tokens more. One token at least is left to feed: somebody has to show its logits."""
        last = sequence.standing - (not sequence.scoring)
        while True:
            full = len(sequence.blocks)
            start = full * BLOCK_TOKENS
            following = tuple(sequence.tokens(start, min(start + BLOCK_TOKENS, last)))
            block, count = self.pool.find(sequence.name(full), following)
            if count < BLOCK_TOKENS:
                break
            self.pool.hold([block])
            sequence.blocks.append(block)
        sequence.cached, sequence.published = start, full
        return block, count

    def _begin(self, sequence: Sequence, source: int, count: int, plan: Plan) -> None:
        """Runs `sequence` from what was found, the first `count` tokens of block `source` by a copy."""
        copied = self.pool.take(1) if count else None
        if copied:
            plan.copy(source, copied[0])
            sequence.blocks += copied
            sequence.cached += count
        if sequence.shared is None:
            sequence.shared = min(sequence.cached, sequence.prompt_tokens)
            self.prompt_tokens += sequence.prompt_tokens
            self.cached_tokens += sequence.shared
        sequence.passed = 0
        self.waiting.remove(sequence)
        insort(self.running, sequence, key=_number)

    def _shares(self) -> Iterator[tuple[Sequence, int]]:
        """Whose turn it is, and with how many tokens, or options of its pick. No prefill takes more than
        half a step from others."""
        tokens, rows = self._step_tokens, self._head_rows
        order = sorted(self.running, key=_turn)
        for sequence in order:
            if tokens <= 0 or rows <= 0:
                sequence.passed += 1
                continue
            if sequence.waiting:
                most = tokens if sequence is order[-1] else max(1, self._step_tokens // 2)
                count = min(sequence.waiting, tokens, most)
                tokens, rows = tokens - count, rows - (count == sequence.waiting)
            else:
                count = 0
                for size in _fork_sizes(sequence):
                    if tokens > 0 and rows > 0:
                        tokens, rows, count = tokens - size, rows - size, count + 1
            yield sequence, count

    def _entries(self, sequence: Sequence, count: int, plan: Plan) -> Iterator[Entry]:
        if sequence.waiting:
            end = sequence.cached + count
            if self._extend(sequence, end, plan):
                wanted = int(count == sequence.waiting and not sequence.scoring)
                ids = sequence.tokens(sequence.cached, end)
                yield Entry(sequence, Row(ids, sequence.cached, sequence.blocks, wanted))
            return
        writer = sequence.writer
        assert isinstance(writer, PickWriter), "nothing to feed and nothing to score"
        for forked in range(count):
            option = writer.fork(writer.waiting[0])
            needed = blocks_for(sequence.cached % BLOCK_TOKENS + len(option) - 1)
            scratch = self.pool.take(needed) if forked else self._take(needed, sequence)
            if scratch is None:
                return
            plan.borrowed += scratch
            yield Entry(sequence, _fork(sequence, plan, option, scratch), writer.waiting.popleft())

    def _extend(self, sequence: Sequence, tokens: int, plan: Plan) -> bool:
        """Whether `sequence` has blocks to write up to `tokens` tokens, having taken what it lacks. One that
        others may have found it writes in a copy: that is where something was cut off its text."""
        first, part = divmod(sequence.cached, BLOCK_TOKENS)
        kept = first if first < sequence.published else len(sequence.blocks)
        blocks = self._take(blocks_for(tokens) - kept, sequence)
        if blocks is None:
            return False
        cut = sequence.blocks[kept:]
        if cut and part:
            plan.copy(cut[0], blocks[0])
        sequence.blocks[kept:] = blocks
        sequence.published = min(kept, sequence.published)
        self.pool.give_back(cut)
        return True

    def _take(self, count: int, sequence: Sequence) -> list[int] | None:
        """`count` blocks, if need be those of later arrivals. None when `sequence` is the latest itself."""
        while (blocks := self.pool.take(max(0, count))) is None:
            latest = self.running[-1]
            if latest is sequence:
                assert len(self.running) > 1, "the cache is too small for one sequence"
                return None
            self._preempt(latest)
        return blocks

    def _preempt(self, sequence: Sequence) -> None:
        self.preemptions += 1
        self.running.remove(sequence)
        self._release(sequence)
        insort(self.waiting, sequence, key=_number)

    def _release(self, sequence: Sequence) -> None:
        """Takes the blocks from `sequence`; what they hold stays findable."""
        self._publish(sequence, sequence.cached)
        self.pool.give_back(sequence.blocks)
        sequence.cached = sequence.published = 0

    def _publish(self, sequence: Sequence, tokens: int) -> None:
        full = tokens // BLOCK_TOKENS
        for index in range(sequence.published, blocks_for(tokens)):
            start = index * BLOCK_TOKENS
            content = tuple(sequence.tokens(start, min(start + BLOCK_TOKENS, tokens)))
            self.pool.publish(sequence.blocks[index], sequence.name(index), content)
        sequence.published = max(full, sequence.published)


def _coming(sequence: Sequence) -> list[bytes]:
    """The names of the blocks that `sequence` will have filled when it has been fed."""
    filled = sequence.standing // BLOCK_TOKENS
    return [sequence.name(index + 1) for index in range(sequence.published, filled)]


def _fork_sizes(sequence: Sequence) -> list[int]:
    assert isinstance(sequence.writer, PickWriter), "nothing to feed and nothing to score"
    return [len(sequence.writer.fork(option)) - 1 for option in sequence.writer.waiting]


def _fork(sequence: Sequence, plan: Plan, option: list[int], scratch: list[int]) -> Row:
    """A row of `option`'s tokens, which shares the sequence's full blocks and goes on in a copy of its last,
    partly full one. Its first token's probability is known from what stands."""
    full, part = divmod(sequence.cached, BLOCK_TOKENS)
    if part:
        plan.copy(sequence.blocks[full], scratch[0])
    table = sequence.blocks[:full] + scratch
    return Row(option[:-1], sequence.cached, table, len(option) - 1, option[1:])


def _turn(sequence: Sequence) -> tuple[int, bool, int]:
    """The overdue, then decodes (somebody waits for every token), then who came first."""
    overdue = sequence.passed if sequence.passed >= PATIENCE else 0
    return -overdue, not 0 < sequence.waiting <= BLOCK_TOKENS, sequence.number


def _number(sequence: Sequence) -> int:
    return sequence.number
