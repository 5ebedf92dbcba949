"""The scheduler, by a toy model: whatever arrives and leaves, each gets what the model alone would say."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.engines.toy import VOCABULARY, Cutter, Toy, pick

from attune.engines.paged.blocks import BLOCK_TOKENS, BlockPool, blocks_for
from attune.engines.paged.scheduler import PATIENCE, Scheduler
from attune.engines.paged.sequence import Known, Sequence
from attune.engines.paged.slots import Writer

LONGEST = 104 + 2 * 62 + 75 + 2
SMALLEST = blocks_for(LONGEST) + 1 + blocks_for(BLOCK_TOKENS + 64)
TEXTS = ("abc" * 3, "abcab" * 9, "b", "cab" * 25)


@dataclass(frozen=True)
class Asked:
    """A request of the property test: it arrives at a step, and may be cancelled some steps later."""

    prompt: tuple[int, ...]
    writes: tuple[tuple[int, int], ...]
    picks: bool
    arrives: int
    cancelled: int | None

    def sequence(self) -> Sequence:
        slots: list[Known | Writer] = []
        for count, cut in self.writes:
            slots += [Cutter(count, min(count, cut)), ("", [1, 2])]
        return Sequence(list(self.prompt), [*slots, pick(*TEXTS), Cutter(2)] if self.picks else slots)


@st.composite
def prompts(draw: st.DrawFn) -> tuple[int, ...]:
    """Pieces of one long text, so that beginnings are shared for a part of a block, and for many."""
    kind, same = draw(st.integers(1, 3)), draw(st.integers(0, 100))
    own = draw(st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=4))
    return tuple([index // kind % VOCABULARY for index in range(same)] + own)


ASKED = st.lists(
    st.builds(
        Asked,
        prompts(),
        st.lists(st.tuples(st.integers(1, 60), st.integers(0, 60)), min_size=1, max_size=2).map(tuple),
        st.booleans(),
        st.integers(0, 30),
        st.none() | st.integers(0, 12),
    ),
    min_size=1,
    max_size=12,
)


def scheduler(blocks: int, step_tokens: int = 1024, running: int = 64, head_rows: int = 256) -> Scheduler:
    return Scheduler(BlockPool(blocks), step_tokens, head_rows, running)


def alone(asked: Asked) -> str:
    toy = Toy(scheduler(64))
    sequence = asked.sequence()
    toy.scheduler.add(sequence)
    while not sequence.done:
        toy.step()
    return sequence.completion().text


@given(
    ASKED,
    st.integers(SMALLEST, SMALLEST * 4),
    st.sampled_from([1, 7, 32, 100, 1024]),
    st.integers(1, 12),
    st.integers(1, 300),
    st.sets(st.integers(0, 40), max_size=2),
    st.dictionaries(st.integers(0, 90), st.integers(0, 11), max_size=8),
)
@example(
    asked=[
        Asked((0,), ((1, 0), (42, 0)), picks=True, arrives=1, cancelled=None),
        Asked((0, 0), ((19, 0), (46, 0)), picks=False, arrives=0, cancelled=None),
        Asked((0, 1, 2) * 33 + (0, 1, 0), ((2, 0), (48, 0)), picks=False, arrives=0, cancelled=None),
        Asked((0,), ((3, 0), (47, 0)), picks=False, arrives=0, cancelled=None),
    ],
    blocks=14,
    step_tokens=7,
    running=4,
    head_rows=4,
    failing=set(),
    preempted={},
)
@settings(deadline=None, max_examples=120)
def test_everyone_gets_the_same_as_alone_and_every_block_comes_back(
    asked: list[Asked],
    blocks: int,
    step_tokens: int,
    running: int,
    head_rows: int,
    failing: set[int],
    preempted: dict[int, int],
) -> None:
    toy = Toy(scheduler(blocks, step_tokens, running, head_rows))
    asked = sorted(asked, key=lambda each: each.arrives)
    sequences = [each.sequence() for each in asked]
    steps, arrived = 0, 0
    ended: set[Sequence] = set()
    while arrived < len(asked) or toy.scheduler.running or toy.scheduler.waiting:
        while arrived < len(asked) and asked[arrived].arrives <= steps:
            toy.scheduler.add(sequences[arrived])
            arrived += 1
        for each, sequence in zip(asked[:arrived], sequences[:arrived], strict=True):
            if each.cancelled is not None and steps == each.arrives + each.cancelled:
                toy.scheduler.drop(sequence)
                ended.add(sequence)
        if preempted.get(steps, 99) < len(toy.scheduler.running):
            toy.scheduler._preempt(toy.scheduler.running[preempted[steps]])
        if toy.scheduler.running or toy.scheduler.waiting:
            there = {*toy.scheduler.running, *toy.scheduler.waiting}
            toy.step(fails=steps in failing)
            left = there - {*toy.scheduler.running, *toy.scheduler.waiting}
            ended |= {sequence for sequence in left if not sequence.done}
        steps += 1
        assert steps < 20_000
    assert toy.scheduler.pool.free == blocks
    for each, sequence in zip(asked, sequences, strict=True):
        if sequence not in ended:
            assert sequence.done
            assert sequence.completion().text == alone(each)


def test_who_comes_back_amid_a_pick_forks_what_is_only_being_copied() -> None:
    """Its last, partly full block is filled by a copy, and the fork's by a copy of that, in one step."""
    toy = Toy(scheduler(64, head_rows=10))
    asked = Asked((0, 1, 2) * 14, (), picks=True, arrives=0, cancelled=None)
    sequence = asked.sequence()
    toy.scheduler.add(sequence)
    toy.step()
    assert sequence.scoring
    toy.scheduler._preempt(sequence)
    toy.step()
    while not sequence.done:
        toy.step()
    assert sequence.completion().text == alone(asked)


@given(st.lists(prompts(), min_size=2, max_size=16), st.sampled_from([1, 16, 64]))
@settings(deadline=None, max_examples=40)
def test_nobody_is_passed_over_for_long(texts: list[tuple[int, ...]], step_tokens: int) -> None:
    toy = Toy(scheduler(400, step_tokens))
    for index, text in enumerate(texts):
        writers: list[Writer] = [pick(*TEXTS), Cutter(6)] if index % 3 == 0 else [Cutter(30)]
        toy.scheduler.add(Sequence(list(text), writers))
    while toy.scheduler.running or toy.scheduler.waiting:
        toy.step()
        assert max((each.passed for each in toy.scheduler.running), default=0) <= PATIENCE + len(texts)


def test_a_long_prompt_is_read_beside_the_others_tokens() -> None:
    toy = Toy(scheduler(200, step_tokens=64))
    short = Sequence([1, 2], [Cutter(40)])
    toy.scheduler.add(short)
    toy.step()
    long = Sequence([0] * 1500, [Cutter(2)])
    toy.scheduler.add(long)
    for step in range(1, 11):
        toy.step()
        assert short.writer is not None
        assert len(short.writer.ids) == step + 1
    assert long.cached >= 10 * 32


def test_two_that_begin_alike_read_the_beginning_once() -> None:
    toy = Toy(scheduler(64, step_tokens=64))
    beginning = [index % VOCABULARY for index in range(200)]
    first, second = (Sequence([*beginning, last], [Cutter(1)]) for last in (0, 1))
    for sequence in (first, second):
        toy.scheduler.add(sequence)
    steps = 0
    while toy.scheduler.running or toy.scheduler.waiting:
        toy.step()
        steps += 1
    assert (first.shared, second.shared) == (0, 192)
    assert steps == 4


def test_who_could_read_the_same_beginning_in_the_same_step_waits_for_it() -> None:
    toy = Toy(scheduler(64))
    asked = [Sequence([*([2] * 100), last], [Cutter(1)]) for last in (0, 1, 2)]
    for sequence in asked:
        toy.scheduler.add(sequence)
    while toy.scheduler.running or toy.scheduler.waiting:
        toy.step()
    assert [sequence.shared for sequence in asked] == [0, 100, 100]


def test_what_was_cut_off_a_text_is_no_longer_found_as_the_text() -> None:
    """The text is preempted while it is written, found again, and then cut within what was found."""
    wanted = alone(Asked((1,) * 40, ((70, 60), (50, 45)), picks=False, arrives=0, cancelled=None))
    toy = Toy(scheduler(64))
    asked = [Asked((1,) * 40, ((70, 60), (50, 45)), False, 0, None).sequence() for _ in range(2)]
    toy.scheduler.add(asked[0])
    for _ in range(66):
        toy.step()
    toy.scheduler._preempt(asked[0])
    toy.scheduler.add(asked[1])
    for _ in range(66):
        toy.step()
    assert asked[0].done
    toy.scheduler._preempt(asked[1])
    while toy.scheduler.running or toy.scheduler.waiting:
        toy.step()
    assert [sequence.completion().text for sequence in asked] == [wanted, wanted]
    fresh = Sequence(asked[0].tokens(0, asked[0].standing), [])
    assert asked[0].name(2) == fresh.name(2)


def test_the_part_of_a_block_that_two_share_is_copied() -> None:
    toy = Toy(scheduler(64))
    for cue in ([0, 1, 2, 0], [0, 2, 1, 1], [0, 1, 1, 1]):
        toy.scheduler.add(asked := Sequence([1] * 50 + cue, [Cutter(3, 2)]))
        while not asked.done:
            toy.step()
    assert asked.shared == 52


def test_the_latest_gives_its_blocks_to_the_first_and_finds_them_again() -> None:
    toy = Toy(scheduler(SMALLEST, step_tokens=1024))
    early, late = (Sequence([first] * 120, [Cutter(130)]) for first in (0, 1))
    toy.scheduler.add(early)
    toy.scheduler.add(late)
    order = []
    while toy.scheduler.running or toy.scheduler.waiting:
        toy.step()
        order += [each for each in (early, late) if each.done and each not in order]
    assert order == [early, late]
    assert toy.scheduler.preemptions >= 1
    assert late.shared == 0
    assert toy.fed < 2 * 250 + 40


def test_the_longest_unused_is_forgotten_first() -> None:
    toy = Toy(scheduler(SMALLEST))
    for first in (0, 1, 2):
        toy.scheduler.add(Sequence([first] * 65, [Cutter(1)]))
        while toy.scheduler.running or toy.scheduler.waiting:
            toy.step()
    toy.scheduler.add(again := Sequence([1] * 65, [Cutter(1)]))
    toy.step()
    assert again.shared == 64
    toy.scheduler.add(Sequence([2, 1] * ((SMALLEST - 4) * 16 - 8), [Cutter(1)]))
    toy.step()
    toy.scheduler.add(kept := Sequence([1] * 65, [Cutter(1)]))
    toy.scheduler.add(gone := Sequence([0] * 65, [Cutter(1)]))
    toy.step()
    assert (kept.shared, gone.shared) == (64, 0)
