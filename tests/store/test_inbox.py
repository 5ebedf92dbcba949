"""The inbox: what is put in comes out once, to one worker at a time, until it is settled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from attune.outcome import Place, Reason
from attune.store import Enqueued, Input, Store

Given = Callable[..., Input]
Make = Callable[..., Any]


def test_an_enqueued_input_comes_out_as_it_went_in(store: Store, worker: Make) -> None:
    raw = bytes(range(256))
    store.enqueue([Input("7", "d" * 32, raw, "chats.jsonl:1")])
    (item,) = worker().claim(5).items
    assert (item.key, item.digest, item.raw, item.ref) == ("7", "d" * 32, raw, "chats.jsonl:1")
    assert (item.claims, item.conflict) == (1, False)


def test_the_same_input_waits_once(store: Store, given: Given, worker: Make) -> None:
    assert store.enqueue([given("1"), given("2"), given("1")]) == Enqueued(2, 1)
    assert store.enqueue([given("2"), given("3")]) == Enqueued(1, 1)
    assert [item.key for item in worker().claim(9).items] == ["1", "2", "3"]


def test_nothing_is_put_in_or_settled_when_there_is_nothing(store: Store, worker: Make) -> None:
    assert store.enqueue([]) == Enqueued(0, 0)
    store.settle([])
    assert worker().admit().items == ()
    assert worker().claim().items == ()


def test_what_one_worker_holds_no_other_gets(store: Store, given: Given, worker: Make) -> None:
    store.enqueue(given(str(n)) for n in range(3))
    assert [item.key for item in worker("ann").claim(2).items] == ["0", "1"]
    assert [item.key for item in worker("bob").claim(2).items] == ["2"]
    assert worker("bob").claim(2).items == ()
    assert store.waiting() == 3


def test_an_expired_lease_is_taken_over_and_counted(store: Store, given: Given, worker: Make) -> None:
    store.enqueue([given("1")])
    worker("ann", lease_s=0.05).claim()
    assert worker("bob").claim().items == ()
    time.sleep(0.06)
    (item,) = worker("bob").claim().items
    assert item.claims == 2
    assert store.renew("ann", 60) == 0


def test_a_renewed_lease_lives_on(store: Store, given: Given, worker: Make) -> None:
    store.enqueue([given("1"), given("2")])
    worker("ann", lease_s=-1).claim(2)
    assert store.renew("ann", 60) == 2
    assert worker("bob").claim().items == ()


def test_what_kills_its_workers_goes_last(store: Store, given: Given, worker: Make) -> None:
    store.enqueue([given("killer")])
    worker("ann", lease_s=-1).claim()
    store.enqueue([given("later")])
    assert [item.key for item in worker("bob").claim(2).items] == ["later", "killer"]


def test_what_is_given_back_is_free_and_not_counted(store: Store, given: Given, worker: Make) -> None:
    store.enqueue([given("1"), given("2")])
    worker("ann").claim(1)
    assert store.release("ann") == 1
    assert [(item.key, item.claims) for item in worker("bob").claim(2).items] == [("1", 1), ("2", 1)]
    assert store.release("ann") == 0


def test_an_admitted_input_is_leased_at_once(given: Given, worker: Make) -> None:
    taken = worker("ann").admit(given("1"), given("2"))
    assert [(item.key, item.claims) for item in taken.items] == [("1", 1), ("2", 1)]
    assert worker("bob").claim().items == ()
    other = worker("bob").admit(given("2"), given("3"))
    assert [item.key for item in other.items] == ["3"]
    assert other.held == (given("2"),)
    assert other.repeated == 0


def test_what_a_worker_holds_itself_is_repeated(given: Given, worker: Make) -> None:
    worker("ann").admit(given("1"))
    again = worker("ann").admit(given("1"), given("2"), given("2"))
    assert [item.key for item in again.items] == ["2"]
    assert (again.repeated, again.held) == (2, ())


def test_admitting_takes_over_what_waits_or_expired(store: Store, given: Given, worker: Make) -> None:
    store.enqueue([given("waits")])
    worker("ann", lease_s=-1).admit(given("expired"))
    taken = worker("bob").admit(given("waits"), given("expired"))
    assert [(item.key, item.claims) for item in taken.items] == [("waits", 1), ("expired", 2)]
    assert store.waiting() == 2


def test_many_inputs_at_once_are_no_matter(store: Store, given: Given, worker: Make, ended: Make) -> None:
    many = [given(str(n)) for n in range(6_000)]
    store.enqueue(many)
    taken = worker("ann").admit(*many)
    assert len(taken.items) == 6_000
    store.settle([ended(item, attempts=()) for item in taken.items])
    assert worker("ann").admit(*many).repeated == 6_000


def test_of_two_copies_the_first_counts(store: Store, given: Given, worker: Make) -> None:
    first, second = replace(given("1"), ref="a:1"), replace(given("1"), raw=b"{ }", ref="b:2")
    taken = worker("ann", lease_s=-1).admit(first, second)
    assert [(item.raw, item.ref) for item in taken.items] == [(first.raw, "a:1")]
    taken = worker("bob").admit(second)
    assert [(item.raw, item.ref) for item in taken.items] == [(first.raw, "a:1")]
    store.enqueue([second])
    store.release("bob")
    assert [item.ref for item in worker("bob").claim().items] == ["a:1"]


def test_what_has_an_outcome_is_repeated_and_leaves_no_row(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    store.settle([ended(item) for item in worker().admit(given("1")).items])
    again = worker().admit(given("1"))
    assert (again.items, again.repeated) == ((), 1)
    store.enqueue([given("1"), given("2")])
    taken = worker().claim(1)
    assert [item.key for item in taken.items] == ["2"]
    assert taken.repeated == 1
    assert store.waiting() == 1


def test_an_outcome_of_another_version_does_not_count(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    store.settle([ended(item) for item in worker().admit(given("1")).items])
    (item,) = store.admit([given("1", "other words")], "triage", "v2", "ann", 60).items
    assert not item.conflict


def test_a_used_id_with_other_words_is_a_conflict(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    store.settle([ended(item) for item in worker().admit(given("1", "first")).items])
    store.enqueue([given("1", "second")])
    (item,) = worker().claim().items
    assert item.conflict
    assert item.spare_key == "1~second--"


def test_of_two_chats_in_the_inbox_with_one_id_the_later_is_the_conflict(
    store: Store, given: Given, worker: Make
) -> None:
    taken = worker("ann").admit(given("1", "first"), given("1", "second"))
    assert [(item.digest[:5], item.conflict) for item in taken.items] == [("first", False), ("secon", True)]
    store.enqueue([given("2", "first"), given("2", "second")])
    (first,) = worker("ann").claim().items
    (second,) = worker("bob").claim().items
    assert (first.conflict, second.conflict) == (False, True)


def test_a_settled_conflict_is_repeated_when_it_comes_again(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    taken = worker().admit(given("1", "first"), given("1", "second")).items
    store.settle([ended(taken[0]), ended(taken[1], Place.DEAD, reason=Reason.DUPLICATE_ID)])
    again = worker().admit(given("1", "second"), given("1", "first"))
    assert (again.items, again.repeated) == ((), 2)
    assert store.counts() == {Place.TABLE: 1, Place.REVIEW: 0, Place.DEAD: 1}
