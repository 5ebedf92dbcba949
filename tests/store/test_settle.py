"""Settling: one outcome for each input, whole or not at all, the first one for good."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from attune.errors import StoreError
from attune.outcome import Attempt, Outcome, Place, Reason
from attune.store import Input, Store

Given = Callable[..., Input]
Make = Callable[..., Any]


def test_an_outcome_is_read_back_as_it_was_written(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    (item,) = worker().admit(given("1")).items
    pair = ended(
        item, flags=("shortened: 3 lines left out",), model="m1", arm="b", prompt_tokens=200, output_tokens=20
    )
    store.settle([pair])
    (row,) = store.outcomes()
    assert (row.place, row.key, row.digest, row.task, row.task_version) == (
        Place.TABLE, "1", item.digest, "triage", "v1",
    )  # fmt: skip
    assert (row.user_id, row.language, row.channel) == ("u1", "en", None)
    assert row.values == {"sentiment": 1, "summary": "all well"}
    assert row.confidence == {"sentiment": 0.9}
    assert row.flags == ("shortened: 3 lines left out",)
    assert (row.model, row.arm, row.prompt_tokens, row.output_tokens) == ("m1", "b", 200, 20)
    assert row.total_s == 0.5
    assert row.attempts == 1
    assert store.waiting() == 0


def test_each_place_gets_its_own_rows(store: Store, given: Given, worker: Make, ended: Make) -> None:
    items = worker().admit(given("t"), given("r"), given("d")).items
    store.settle([ended(items[0]), ended(items[1], Place.REVIEW), ended(items[2], Place.DEAD)])
    assert store.counts() == {Place.TABLE: 1, Place.REVIEW: 1, Place.DEAD: 1}
    review = store.review("r")
    assert review is not None
    assert (review.draft, review.status, review.chat["id"]) == ("We are sorry.", "open", "r")
    assert store.review("t") is None
    letter = store.dead_letter("d")
    assert letter is not None
    assert (letter.raw, letter.ref, letter.reason) == (b"d: hello", "chats.jsonl:d", Reason.UNREADABLE_ANSWER)
    assert letter.attempts == (Attempt("triage", 7, '{"sentiment":1}', "", 0.25),)


def test_settling_again_changes_nothing(store: Store, given: Given, worker: Make, ended: Make) -> None:
    (item,) = worker().admit(given("1")).items
    store.settle([ended(item)])
    store.settle([ended(item, Place.REVIEW), ended(item, Place.DEAD)])
    assert [row.place for row in store.outcomes()] == [Place.TABLE]
    assert store.review("1") is None
    assert list(store.dead()) == []


def test_settling_twice_at_once_changes_nothing(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    (item,) = worker().admit(given("1")).items
    store.settle([ended(item), ended(item)])
    assert [row.attempts for row in store.outcomes()] == [1]


def test_a_late_settle_does_not_take_the_row_of_another_input(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    (item,) = worker().admit(given("1")).items
    store.settle([ended(item)])
    store.enqueue([given("2")])
    store.settle([ended(item)])
    assert [item.key for item in worker().claim(2).items] == ["2"]


@pytest.mark.parametrize("together", [True, False])
def test_a_second_chat_with_the_same_id_is_never_lost(
    store: Store, given: Given, worker: Make, ended: Make, together: bool
) -> None:
    items = worker().admit(given("1", "first"), given("1", "second")).items
    # As two workers would that could not know of each other.
    pairs = [ended(replace(item, conflict=False)) for item in items]
    for chunk in [pairs] if together else [[pair] for pair in pairs]:
        store.settle(chunk)
    assert [(row.key, row.place) for row in store.outcomes(place=Place.TABLE)] == [("1", Place.TABLE)]
    (letter,) = store.dead()
    assert (letter.key, letter.input_key, letter.reason) == ("1~second--", "1", Reason.DUPLICATE_ID)
    assert letter.raw == b"1: second"
    assert store.waiting() == 0
    assert worker().admit(given("1", "second")).repeated == 1


def test_two_chats_whose_digests_begin_alike_are_both_kept(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    items = worker().admit(given("1", "first"), given("1", "alike-ab-1"), given("1", "alike-ab-2")).items
    store.settle([ended(replace(item, conflict=False)) for item in items])
    store.settle([ended(replace(item, conflict=False)) for item in items])
    assert sorted(letter.raw for letter in store.dead()) == [b"1: alike-ab-1", b"1: alike-ab-2"]


def test_text_that_no_database_takes_is_made_storable(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    bad = 'a\x00b\ud800c\\u0000"'
    good = 'a\ufffdb\ufffdc\\u0000"'
    (item,) = worker().admit(replace(given("1"), ref=bad)).items
    values = {"summary": bad, "list": [bad, 1], "nan": math.nan, bad: {"in": bad}}
    attempt = Attempt("triage", 2**63 - 1, bad, bad, 0.1)
    store.settle([ended(item, Place.DEAD, values=values, detail=bad, attempts=(attempt,), flags=(bad,))])
    (row,) = store.outcomes()
    assert row.values == {"summary": good, "list": [good, 1], "nan": None, good: {"in": good}}
    assert row.flags == (good,)
    letter = store.dead_letter("1")
    assert letter is not None
    assert (letter.ref, letter.detail) == (good, good)
    assert letter.attempts == (Attempt("triage", 2**63 - 1, good, good, 0.1),)


def test_a_settle_that_fails_leaves_nothing(store: Store, given: Given, worker: Make, ended: Make) -> None:
    items = worker().admit(given("1"), given("2")).items
    broken = ended(items[1], attempts=(Attempt("triage", 1, None, "no", 0.0),))  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        store.settle([ended(items[0]), broken])
    assert list(store.outcomes()) == []
    store.settle([ended(item) for item in items])
    assert store.waiting() == 0


def test_the_same_chat_has_an_outcome_for_each_version_of_a_task(
    store: Store, given: Given, ended: Make, worker: Make
) -> None:
    first: tuple[Any, Outcome] = ended(worker().admit(given("1")).items[0])
    store.settle([first])
    (again,) = store.admit([given("1")], "triage", "v2", "ann", 60).items
    store.settle([(again, replace(first[1], task_version="v2"))])
    assert [row.task_version for row in store.outcomes()] == ["v1", "v2"]
