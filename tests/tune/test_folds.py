"""Folds: nothing that is trained on is held out, and a chat's examples stay together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from attune.tune.folds import FEW, FOLDS, folds

CHATS = st.lists(st.sampled_from([f"chat {number}" for number in range(60)]), max_size=120)


@given(CHATS, st.integers(0, 9), st.none() | st.integers(0, 9))
def test_no_chat_is_on_both_sides(chats: list[str], seed: int, wanted: int | None) -> None:
    made = folds(chats, seed, wanted)
    for fold in made:
        assert sorted(fold.trained + fold.held_out) == list(range(len(chats)))
        trained, held_out = ({chats[place] for place in side} for side in (fold.trained, fold.held_out))
        assert trained
        assert held_out
        assert not trained & held_out
    if len(made) > 1:
        assert sorted(place for fold in made for place in fold.held_out) == list(range(len(chats)))


def test_few_chats_are_each_held_out_once_and_of_many_one_in_five() -> None:
    few = folds([str(number) for number in range(20)], 0)
    assert [len(fold.held_out) for fold in few] == [5] * FOLDS
    many = folds([str(number) for number in range(FEW)], 0)
    assert [len(fold.held_out) for fold in many] == [8]
    assert folds(["one"], 0) == folds(["a", "b"], 0, 0) == []


def test_the_seed_alone_says_who_is_held_out() -> None:
    chats = [str(number) for number in range(50)]
    assert folds(chats, 3) == folds(chats, 3)
    assert folds(chats, 3) != folds(chats, 4)
    kept = {chats[place] for place in folds(chats, 3)[0].held_out}
    turned = chats[::-1]
    assert {turned[place] for place in folds(turned, 3)[0].held_out} == kept
