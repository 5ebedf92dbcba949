"""What waits goes together by kind and length, the first come first, and nobody waits for a batch to fill."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from attune.engines.seq2seq.waiting import Bounds, Item, Waiting
from attune.engines.seq2seq.work import Draw, Generate, Score, Settings, Work
from attune.request import Sampling

BOUNDS = Bounds(tokens=1000, sequences=8, drawn=4)


class Still:
    """A walk that goes nowhere."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.done = False

    def read(self, logits: object) -> None: ...


def text(tokens: int, beams: int = 1, new: int = 32) -> Generate:
    return Generate([5] * tokens, Settings(new, Sampling(num_beams=beams)))


def waiting(works: Sequence[Work], given_up: Sequence[int] = ()) -> Waiting:
    made = Waiting(BOUNDS)
    for turn, work in enumerate(works):
        made.put([Item(work, turn, lambda turn=turn: turn in given_up, lambda _: None)])  # type: ignore[misc]
    return made


def turns(batch: list[Item]) -> list[int]:
    return [item.turn for item in batch]


def test_the_first_come_goes_with_those_of_its_length() -> None:
    made = waiting([text(100), text(400), text(120), text(9), text(90), text(500)])
    assert [turns(made.take()) for _ in range(3)] == [[0, 2, 4], [1, 5], [3]]


def test_short_ones_are_all_of_one_length() -> None:
    assert turns(waiting([text(2), text(30), text(9)]).take()) == [0, 1, 2]


def test_kinds_and_settings_do_not_mix() -> None:
    made = waiting([text(50), text(50, new=8), Score([5] * 40, [5] * 10), text(50), Draw([5] * 50, Still())])
    assert [turns(made.take()) for _ in range(4)] == [[0, 3], [1], [2], [4]]


def test_a_batch_is_bounded_by_tokens_sequences_and_logits() -> None:
    assert turns(waiting([text(300) for _ in range(9)]).take()) == [0, 1, 2]
    assert turns(waiting([text(10, beams=3) for _ in range(9)]).take()) == [0, 1]
    assert turns(waiting([Draw([5] * 10, Still()) for _ in range(9)]).take()) == [0, 1, 2, 3]


def test_one_that_is_too_large_goes_alone() -> None:
    assert turns(waiting([text(4000), text(4000)]).take()) == [0]


def test_what_nobody_waits_for_any_more_is_left_out() -> None:
    assert turns(waiting([text(50), text(50), text(50)], given_up=[0, 2]).take()) == [1]


def test_one_alone_does_not_wait_and_closing_wakes_those_who_do() -> None:
    made = Waiting(BOUNDS)
    taken: list[list[int]] = []

    def take() -> None:
        while batch := made.take():
            taken.append(turns(batch))

    thread = threading.Thread(target=take)
    thread.start()
    made.put([Item(text(5), 0, lambda: False, lambda _: None)])
    while not taken:
        thread.join(0.01)
    assert made.close() == []
    thread.join(5)
    assert not thread.is_alive()
    assert taken == [[0]]
    assert not made.put([Item(text(5), 1, lambda: False, lambda _: None)])
