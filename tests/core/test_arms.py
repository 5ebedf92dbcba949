"""The split of chats among arms."""

from __future__ import annotations

import pytest

from attune.arms import Arm, Split, choose, split_of_json, to_json
from attune.errors import BadConfig

KEYS = [str(number) for number in range(10_000)]


def test_an_arm_gets_the_share_of_its_weight() -> None:
    arms = (Arm(name="a", weight=3), Arm(name="b", weight=1))
    share = sum(choose(key, arms).name == "b" for key in KEYS) / len(KEYS)
    assert abs(share - 0.25) < 0.02


def test_a_chat_keeps_its_arm_whatever_the_order() -> None:
    arms = (Arm(name="a"), Arm(name="b"), Arm(name="c"))
    assert all(choose(key, arms).name == choose(key, arms[::-1]).name for key in KEYS[:500])


def test_more_weight_moves_chats_only_to_that_arm() -> None:
    before, after = ((Arm(name="a"), Arm(name="b", weight=weight)) for weight in (1.0, 1.5))
    moved = [(choose(key, before).name, choose(key, after).name) for key in KEYS]
    assert ("b", "a") not in moved
    assert 0.05 < moved.count(("a", "b")) / len(KEYS) < 0.15


def test_a_split_is_read_back() -> None:
    split = Split((Arm("scripted:", "triage", "a"), Arm("pocket", "triage", "b", 0.1)), 7)
    assert split_of_json(to_json(split)) == split


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"arms": []}',
        '{"version": 1, "arms": [{"nam": "a"}]}',
        '{"version": 1, "arms": [{"weight": -1}]}',
    ],
)
def test_what_is_no_split_is_told(text: str) -> None:
    with pytest.raises(BadConfig):
        split_of_json(text)
