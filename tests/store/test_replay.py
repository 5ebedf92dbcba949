"""Replay: a dead letter becomes an input again, and is in exactly one place at any moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from attune.outcome import Place, Reason
from attune.store import Input, Store, dead

Given = Callable[..., Input]
Make = Callable[..., Any]


@pytest.fixture
def letters(store: Store, given: Given, worker: Make, ended: Make) -> Callable[..., None]:
    def put(*keys: str, reason: Reason = Reason.UNREADABLE_ANSWER) -> None:
        items = worker().admit(*(given(key) for key in keys)).items
        store.settle([ended(item, Place.DEAD, reason=reason) for item in items])

    return put


def test_a_replayed_letter_is_an_input_and_no_outcome(store: Store, worker: Make, letters: Make) -> None:
    letters("1", "2")
    assert store.replay(["1", "unknown"]) == 1
    assert [letter.key for letter in store.dead()] == ["2"]
    assert [row.key for row in store.outcomes()] == ["2"]
    assert store.dead_letter("1") is None
    (item,) = worker().claim(2).items
    assert (item.key, item.raw, item.ref, item.claims) == ("1", b"1: hello", "chats.jsonl:1", 1)


def test_a_replayed_chat_can_end_in_another_place(
    store: Store, worker: Make, ended: Make, letters: Make
) -> None:
    letters("1")
    store.replay(["1"])
    store.settle([ended(item) for item in worker().claim().items])
    assert store.counts() == {Place.TABLE: 1, Place.REVIEW: 0, Place.DEAD: 0}


def test_letters_are_replayed_by_reason_or_all(
    store: Store, letters: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "PAGE", 2)
    letters("1", "2", "3")
    letters("4", reason=Reason.WORKER_DIED)
    assert store.replay(reason=Reason.WORKER_DIED) == 1
    assert store.waiting() == 1
    assert store.replay(all=True) == 3
    assert store.replay(all=True) == 0
    assert store.waiting() == 4
    assert store.counts()[Place.DEAD] == 0


def test_only_dead_letters_are_replayed(store: Store, given: Given, worker: Make, ended: Make) -> None:
    store.settle([ended(item) for item in worker().admit(given("1")).items])
    assert store.replay(["1"]) == 0
    assert store.counts()[Place.TABLE] == 1


def test_what_to_replay_must_be_said_once(store: Store) -> None:
    for which in ({}, {"keys": ["1"], "all": True}):
        with pytest.raises(ValueError, match="one of"):
            store.replay(**which)  # type: ignore[arg-type]


def test_a_replayed_second_chat_is_still_the_second(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    first, second = worker().admit(given("1", "first"), given("1", "second")).items
    store.settle([ended(first), ended(second, Place.DEAD, reason=Reason.DUPLICATE_ID)])
    assert store.replay(["1~second--"]) == 1
    (item,) = worker().claim().items
    assert (item.key, item.raw, item.conflict) == ("1", b"1: second", True)


def test_an_input_that_waits_already_is_not_doubled(
    store: Store, given: Given, worker: Make, letters: Make
) -> None:
    letters("1")
    store.enqueue([given("1")])
    assert store.replay(["1"]) == 1
    assert [item.key for item in worker().claim(5).items] == ["1"]


def test_a_chat_is_in_one_place_at_any_moment_of_a_replay(
    store: Store, letters: Make, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "PAGE", 5)
    letters(*(str(n) for n in range(100)))
    seen: list[tuple[int, int]] = []
    done = threading.Event()

    def watch() -> None:
        with Store.open(address) as other:
            while not done.is_set():
                # Letters only leave, inputs only come: in this order one can count twice, and none is missed.
                left = other.counts()[Place.DEAD]
                seen.append((left, other.waiting()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    while not seen:
        pass
    assert store.replay(all=True) == 100
    done.set()
    watcher.join()
    assert all(left + waiting >= 100 for left, waiting in seen)
    assert all(left % 5 == 0 and waiting % 5 == 0 for left, waiting in seen)
    assert (store.counts()[Place.DEAD], store.waiting()) == (0, 100)


def test_two_replays_at_once_send_each_letter_once(store: Store, worker: Make, letters: Make) -> None:
    letters(*(str(n) for n in range(60)))
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(store.replay(all=True))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 60
    assert len(worker().claim(100).items) == 60
