"""Reading a store: by filter, in small pages, without holding anything up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attune.outcome import Place
from attune.store import Input, Store, dead, outcomes

Given = Callable[..., Input]
Make = Callable[..., Any]


@pytest.fixture
def settled(store: Store, given: Given, worker: Make, ended: Make) -> Callable[..., None]:
    """Puts chats into the store and settles each in its place."""

    def put(places: dict[str, Place], at_once: int = 1, **fields: Any) -> None:
        keys = list(places)
        for start in range(0, len(keys), at_once):
            items = worker().admit(*(given(key) for key in keys[start : start + at_once])).items
            store.settle([ended(item, places[item.key], **fields) for item in items])

    return put


def test_outcomes_come_by_place_language_time_and_number(store: Store, settled: Make) -> None:
    settled({"1": Place.TABLE, "2": Place.REVIEW, "3": Place.TABLE})
    settled({"4": Place.TABLE}, chat={"id": "4", "user_id": "u2", "language": "de"})

    def keys(**which: Any) -> list[str]:
        return [row.key for row in store.outcomes(**which)]

    assert keys() == ["1", "2", "3", "4"]
    assert keys(place=Place.TABLE) == ["1", "3", "4"]
    assert keys(language="de") == ["4"]
    assert keys(task="reply") == keys(version="v9") == []
    assert keys(limit=2) == ["1", "2"]
    assert keys(limit=2, newest_first=True) == ["4", "3"]
    third = list(store.outcomes())[2].created_at
    assert keys(since=third) == ["3", "4"]


@pytest.mark.parametrize("newest_first", [False, True])
def test_many_pages_give_each_outcome_once(
    store: Store, settled: Make, monkeypatch: pytest.MonkeyPatch, newest_first: bool
) -> None:
    monkeypatch.setattr(outcomes, "PAGE", 7)
    settled({str(n): Place.TABLE for n in range(50)}, at_once=20)  # many share a moment
    keys = [row.key for row in store.outcomes(newest_first=newest_first)]
    assert sorted(keys, key=int) == [str(n) for n in range(50)]
    assert len(list(store.outcomes(limit=21))) == 21


def test_a_store_is_written_while_it_is_read(
    store: Store, settled: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "PAGE", 2)
    settled({str(n): Place.TABLE for n in range(5)})
    reading = store.outcomes()
    assert next(reading).key == "0"
    settled({str(n): Place.TABLE for n in range(5, 8)})
    assert [row.key for row in reading] == ["1", "2", "3", "4", "5", "6", "7"]


def test_dead_letters_come_by_reason_in_pages(
    store: Store, settled: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "PAGE", 3)
    settled({str(n): Place.DEAD for n in range(8)}, at_once=4)
    settled({"9": Place.DEAD}, reason="worker_died")
    assert sorted(letter.key for letter in store.dead()) == ["0", "1", "2", "3", "4", "5", "6", "7", "9"]
    assert [letter.key for letter in store.dead("worker_died")] == ["9"]  # type: ignore[arg-type]
    assert len(list(store.dead(limit=4))) == 4
    assert store.dead_letter("none") is None


def test_the_status_of_an_empty_store_says_so(store: Store) -> None:
    status = store.status()
    assert (status.waiting, status.leased, status.oldest_waiting_s) == (0, 0, None)
    assert (status.per_s_minute, status.p50_s, status.p99_s) == (0.0, None, None)
    assert status.counts == {Place.TABLE: 0, Place.REVIEW: 0, Place.DEAD: 0}


def test_the_status_counts_what_waits_what_is_held_and_what_is_done(
    store: Store, given: Given, worker: Make, ended: Make
) -> None:
    items = worker().admit(*(given(str(n)) for n in range(60))).items
    store.settle([ended(item, total_s=float(item.key)) for item in items])
    store.enqueue([given("a"), given("b"), given("c")])
    worker("ann").claim(1)
    worker("bob", lease_s=-1).claim(1)
    status = store.status()
    assert (status.waiting, status.leased) == (2, 1)
    assert status.oldest_waiting_s is not None
    assert 0 <= status.oldest_waiting_s < 60
    assert status.counts[Place.TABLE] == 60
    assert status.per_s_minute == 1.0
    assert (status.p50_s, status.p95_s, status.p99_s) == (29.0, 56.0, 59.0)


def test_a_slow_reader_does_not_let_the_log_grow(
    tmp_path: Path, given: Given, ended: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "PAGE", 2)
    with Store.open(tmp_path / "attune.db") as store:

        def work(batch: int) -> None:
            inputs = [given(f"{batch}-{n}", "x" * 32) for n in range(200)]
            items = store.admit(inputs, "triage", "v1", "ann", 60).items
            store.settle([ended(item) for item in items])

        work(0)
        reading = store.outcomes()
        next(reading)
        for batch in range(1, 40):
            work(batch)
        reading.close()  # type: ignore[attr-defined]
        log = (tmp_path / "attune.db-wal").stat().st_size
    assert log < 8 << 20
