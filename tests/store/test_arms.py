"""Arms in a store: each change is a row, whole, and the newest serves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from attune.arms import Arm, Refused, Split
from attune.store import Store
from attune.store.arms import Change

OWN = Split((Arm("", ""),), 1)
WITH_B = OWN.added(Arm("scripted:", "", "b", 0.1, {"temperature": 0.5}, "scripted:delay_ms=1"))


def back(store: Store) -> int:
    """Rolls back, and gives the version whose arms serve now."""
    live, before = store.arms.live(), store.arms.before()
    assert live is not None
    assert before is not None
    split = replace(before.split, version=live.version + 1)
    store.arms.write(Change(split, "rollback", "", "ann", "", before.origin))
    return before.origin


def test_a_store_without_a_split_has_none(store: Store) -> None:
    assert store.arms.live() is None
    assert store.arms.before() is None
    assert store.arms.history() == ()


def test_a_change_is_live_as_soon_as_it_is_written_and_stays_in_the_history(
    address: str, store: Store
) -> None:
    store.arms.write(
        Change(OWN, "begin", "base", "ann", ""), Change(WITH_B, "add", "b", "ann", "it is shorter")
    )
    with Store.open(address) as other:
        assert other.arms.live() == WITH_B
        added, began = other.arms.history()
    assert (began.split, began.action) == (OWN, "begin")
    assert (added.split, added.action, added.arm, added.person, added.reason) == (
        WITH_B, "add", "b", "ann", "it is shorter",
    )  # fmt: skip
    assert 0 < began.at <= added.at


def test_of_two_who_change_at_once_one_is_told(store: Store) -> None:
    store.arms.write(Change(OWN, "begin", "base", "ann", ""))

    def change(name: str) -> bool:
        try:
            store.arms.write(Change(OWN.added(Arm("scripted:", "", name, 0.1)), "add", name, name, ""))
        except Refused as error:
            assert "somebody else" in str(error)
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(change, "abcd")) == [False, False, False, True]
    assert [each.action for each in store.arms.history()] == ["add", "begin"]


def test_changes_that_belong_together_are_all_there_or_none(store: Store) -> None:
    store.arms.write(Change(OWN, "begin", "base", "ann", ""))
    with pytest.raises(Refused):
        store.arms.write(Change(WITH_B, "add", "b", "ann", ""), Change(WITH_B, "add", "b", "ann", ""))
    assert store.arms.live() == OWN


def test_each_rollback_goes_one_change_further_back(store: Store) -> None:
    promoted = WITH_B.promoted("b")
    store.arms.write(
        Change(OWN, "begin", "base", "ann", ""),
        Change(WITH_B, "add", "b", "ann", ""),
        Change(promoted, "promote", "b", "ann", ""),
    )
    assert back(store) == 2
    live = store.arms.live()
    assert live == replace(WITH_B, version=4)
    assert back(store) == 1
    assert store.arms.before() is None, "there is nothing before the first"
    again = replace(WITH_B, version=6)
    store.arms.write(Change(again, "add", "b", "ann", ""))
    assert back(store) == 1, "the arms before, not the rollback before"
