"""From the store to a sink: in order, nothing left out, whatever fails, whoever else delivers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.sinks.contract import TASK

from attune.address import parse_address
from attune.delivery import Delivered, Delivery
from attune.outcome import Outcome, Place, Reason
from attune.sinks import Batch, Sink, SinkError, Terms, terms
from attune.store import Input, Item, Store, Taker


class Memory:
    """A sink that keeps ids, and fails when it is told to: before or after it has taken a batch."""

    def __init__(self, options: str = "", fail: list[str] | None = None) -> None:
        self._terms = terms(parse_address(f"memory://here/rows?{options}", ""), rows=10)
        self.fail = fail or []
        self.batches: list[Batch] = []
        self.tried = threading.Event()

    @property
    def terms(self) -> Terms:
        return self._terms

    @property
    def ids(self) -> list[str]:
        return [row["id"] for batch in self.batches for row in batch.rows]

    def write(self, batch: Batch) -> None:
        self.tried.set()
        how = self.fail.pop(0) if self.fail else ""
        if how != "before":
            self.batches.append(batch)
        if how:
            raise SinkError(f"memory failed {how}")

    def close(self) -> None: ...


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    address = (
        str(tmp_path / "attune.db") if request.param == "sqlite" else request.getfixturevalue("postgres")
    )
    with Store.open(address) as opened:
        yield opened


def settle(store: Store, numbers: range, task: str = TASK.name) -> None:
    inputs = [Input(str(number), f"{number:032}", b"{}", f"x:{number}") for number in numbers]
    for item in store.admit(inputs, task, TASK.version, "ann", 60).items:
        store.settle([ended(item, task)])


def ended(item: Item, task: str) -> tuple[Item, Outcome]:
    place = list(Place)[int(item.key) % 3]
    reason = Reason.BAD_INPUT if place is Place.DEAD else None
    values = {"sentiment": 1, "summary": "x"}
    chat = {"id": item.key, "user_id": "u", "turns": []}
    return item, Outcome(place, item.key, item.digest, task, TASK.version, chat, values, reason=reason)


def deliver(store: Store, sink: Sink, failed: Callable[[], None] | None = None) -> Delivered:
    return Delivery(sink, store, TASK, 60, failed).close()


def ids(numbers: range) -> list[str]:
    return [str(number) for number in numbers]


def test_all_that_is_settled_comes_in_its_order_and_once(store: Store) -> None:
    settle(store, range(25))
    sink = Memory()
    assert deliver(store, sink) == Delivered("memory://here/rows", 25, 0, "")
    settle(store, range(25, 30))
    assert deliver(store, sink).sent == 5
    assert sink.ids == ids(range(30))
    assert [len(batch.rows) for batch in sink.batches] == [10, 10, 5, 5]
    assert not any(batch.again for batch in sink.batches)


def test_what_is_settled_meanwhile_comes_without_waiting_for_the_end(store: Store) -> None:
    sink = Memory()
    delivery = Delivery(sink, store, TASK, 60)
    settle(store, range(3))
    assert sink.tried.wait(10)
    delivery.close()
    assert sink.ids == ids(range(3))


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_batch_that_failed_comes_again_with_the_same_bounds(store: Store, how: str) -> None:
    settle(store, range(5))
    sink = Memory(fail=[how] * 100)
    assert deliver(store, sink) == Delivered("memory://here/rows", 0, 5, f"memory failed {how}")
    (backlog,) = store.backlogs()
    assert (backlog.waiting, backlog.error) == (5, f"memory failed {how}")
    settle(store, range(5, 8))
    sink.fail.clear()
    assert deliver(store, sink).sent == 8
    *_, again, rest = sink.batches
    assert again.again
    assert [row["id"] for row in again.rows] == ids(range(5))
    assert [row["id"] for row in rest.rows] == ids(range(5, 8))
    assert store.backlogs()[0].error == ""


def test_a_sink_that_fails_is_tried_again_while_the_run_goes_on(store: Store) -> None:
    calls: list[int] = []
    sink = Memory(fail=["before", "before"])
    delivery = Delivery(sink, store, TASK, 60, lambda: calls.append(1))
    settle(store, range(4))
    until = time.monotonic() + 20
    while not sink.batches and time.monotonic() < until:
        time.sleep(0.05)
    assert delivery.close().sent == 4
    assert sink.ids == ids(range(4))
    assert calls == [1]


def test_a_sink_is_given_the_places_that_it_asks_for(store: Store) -> None:
    settle(store, range(30))
    sink = Memory("places=review,dead")
    assert deliver(store, sink) == Delivered("memory://here/rows", 20, 0, "")
    assert {row["place"] for batch in sink.batches for row in batch.rows} == {"review", "dead"}


def test_few_rows_wait_for_more_where_a_sink_asks_for_it(store: Store) -> None:
    settle(store, range(3))
    sink = Memory("wait_s=60")
    delivery = Delivery(sink, store, TASK, 60)
    assert not sink.tried.wait(1.0)
    settle(store, range(3, 12))
    assert sink.tried.wait(10)
    delivery.close()
    assert [len(batch.rows) for batch in sink.batches] == [10, 2]


def test_other_tasks_are_not_for_this_sink(store: Store) -> None:
    settle(store, range(3), "other")
    settle(store, range(3, 5))
    sink = Memory()
    deliver(store, sink)
    assert sink.ids == ["3", "4"]


def test_two_runs_share_a_sink_and_one_at_a_time_delivers(store: Store) -> None:
    settle(store, range(5))
    other = Taker("memory://here/rows", TASK.name, "other", 60)
    held = store.begin_batch(other, 3)
    assert held is not None
    sink = Memory()
    assert deliver(store, sink).waiting == 5
    store.leave_sink(other)
    assert deliver(store, sink).sent == 5
    assert [(len(batch.rows), batch.again) for batch in sink.batches] == [(3, True), (2, False)]


def test_who_comes_late_with_a_batch_confirms_nothing(store: Store) -> None:
    settle(store, range(4))
    slow = Taker("memory://here/rows", TASK.name, "slow", 0)
    batch = store.begin_batch(slow, 2)
    assert batch is not None
    assert deliver(store, Memory()).sent == 4
    store.end_batch(slow, batch, 2)
    assert store.backlogs()[0].waiting == 0


def test_a_replayed_outcome_comes_again_as_a_new_one(store: Store) -> None:
    settle(store, range(3))
    sink = Memory()
    deliver(store, sink)
    assert store.replay(all=True) == 1
    (item,) = store.claim(5, TASK.name, TASK.version, "ann", 60).items
    store.settle([(item, ended(item, TASK.name)[1])])
    assert deliver(store, sink).sent == 1
    assert sink.ids == ["0", "1", "2", "2"]


def test_numbers_are_committed_in_their_order_whoever_settles(store: Store) -> None:
    """A reader that has seen a number must never be overtaken by a smaller one."""
    inputs = [Input(str(number), f"{number:032}", b"{}", "x") for number in range(120)]
    items = store.admit(inputs, TASK.name, TASK.version, "ann", 60).items
    sink = Memory()
    delivery = Delivery(sink, store, TASK, 60)
    shares = [items[number::4] for number in range(4)]

    def work(share: tuple[Item, ...]) -> None:
        for item in share:
            store.settle([ended(item, TASK.name)])

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert delivery.close().waiting == 0
    assert sorted(sink.ids, key=int) == ids(range(120))
