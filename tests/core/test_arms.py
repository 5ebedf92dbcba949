"""The split of chats among arms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from attune.arms import Arm, Refused, Split, choose, split_of_json, to_json
from attune.errors import BadConfig

KEYS = [str(number) for number in range(10_000)]
MANY = [f"chat-{number}" for number in range(100_000)]


def names(keys: list[str], split: Split) -> list[str]:
    return [choose(key, split.arms).name for key in keys]


def test_the_split_is_even() -> None:
    """By Pearson's chi-square of 100,000 ids: chance exceeds 16.27 once in a thousand, at 3 degrees."""
    split = Split(
        (Arm(weight=0.5), Arm(name="b", weight=0.3), Arm(name="c", weight=0.15), Arm(name="d", weight=0.05))
    )
    counts = Counter(names(MANY, split))
    expected = {arm.name: arm.weight * len(MANY) for arm in split.arms}
    assert sum((counts[name] - n) ** 2 / n for name, n in expected.items()) < 16.27


def test_a_change_moves_as_few_chats_as_it_can() -> None:
    """At least the change of the weight must move; no more do, but for chance (five standard deviations)."""
    before = Split((Arm(),)).added(Arm(name="b", weight=0.1)).added(Arm(name="c", weight=0.2))
    after = before.weighed("b", 0.3)
    pairs = list(zip(names(MANY, before), names(MANY, after), strict=True))
    moved = [pair for pair in pairs if pair[0] != pair[1]]
    assert {to for _, to in moved} == {"b"}, "only to the arm that has more now"
    change = after.arm("b").weight - before.arm("b").weight
    assert abs(len(moved) / len(MANY) - change) < 5 * (change * (1 - change) / len(MANY)) ** 0.5
    back = names(MANY, after.weighed("b", before.arm("b").weight))
    assert back == names(MANY, before), "and the way back is the same"


def test_a_chat_keeps_its_arm_whatever_the_order() -> None:
    arms = (Arm(name="a"), Arm(name="b"), Arm(name="c"))
    assert all(choose(key, arms).name == choose(key, arms[::-1]).name for key in KEYS[:500])


def test_the_weights_of_others_stay_to_each_other_what_they_were() -> None:
    split = Split((Arm(),)).added(Arm(name="b", weight=0.2)).added(Arm(name="c", weight=0.5))
    assert [arm.weight for arm in split.arms] == [0.4, 0.1, 0.5]
    assert [arm.weight for arm in split.removed("base").arms] == pytest.approx([1 / 6, 5 / 6])
    assert split.version == 2


def test_a_promoted_arm_has_all_chats_and_the_others_stay_without_any() -> None:
    split = Split((Arm(),)).added(Arm(name="b", weight=0.1)).promoted("b")
    assert [arm.weight for arm in split.arms] == [0, 1]
    assert set(names(KEYS, split)) == {"b"}
    assert [arm.weight for arm in split.weighed("base", 0.25).arms] == [0.25, 0.75]


def test_what_cannot_be_is_refused_in_words() -> None:
    split = Split((Arm(),)).added(Arm(name="b", weight=0.1))
    refused: list[tuple[Callable[[], Split], str]] = [
        (lambda: split.added(Arm(name="b", weight=0.1)), "there is an arm 'b' already"),
        (lambda: split.weighed("c", 0.1), "no arm is called 'c'; there are: base, b"),
        (lambda: split.weighed("b", 1.5), "from 0 to 1"),
        (lambda: split.weighed("b", float("nan")), "from 0 to 1"),
        (lambda: split.promoted("b").removed("b"), "b has all chats"),
        (lambda: split.promoted("b").weighed("b", 0.5), "no other arm would get the rest"),
    ]
    for change, why in refused:
        with pytest.raises(Refused, match=why):
            change()


def test_an_arm_means_what_the_worker_was_started_with_where_it_leaves_that_open() -> None:
    own = Arm("openvino:/m", "triage")
    assert Arm("", "").on(own) == own
    assert Arm("?adapter=/a", "", "b").on(own) == Arm("openvino:/m?adapter=/a", "triage", "b")
    assert (
        Arm("?adapter=/a", "").on(Arm("ctranslate2:/m?device=cpu")).engine
        == "ctranslate2:/m?device=cpu&adapter=/a"
    )
    assert Arm("scripted:", "mood.toml").on(own) == Arm("scripted:", "mood.toml")


def test_a_split_is_read_back() -> None:
    arms = (
        Arm("scripted:", "triage", "a"),
        Arm("pocket", "triage", "b", 0.1, {"top_k": 5}, "openvino:/large"),
    )
    split = Split(arms, 7)
    assert split_of_json(to_json(split)) == split


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"arms": []}',
        '{"version": 1, "arms": [{"nam": "a"}]}',
        '{"version": 1, "arms": [{"weight": -1}]}',
        '{"version": 1, "arms": [{"weight": 0}]}',
    ],
)
def test_what_is_no_split_is_told(text: str) -> None:
    with pytest.raises(BadConfig):
        split_of_json(text)
