"""A run: every input ends in one place, the counts reconcile, and nothing is lost when it stops early."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from attune.errors import EngineError
from attune.feed import identify
from attune.handle import Act
from attune.limits import Limits
from attune.outcome import Outcome, Place
from attune.settling import Counts
from attune.sources import Delivery
from attune.store import Store
from attune.stream import run
from attune.task import Task, find, load
from attune.testing import Script, ScriptedEngine


class Given:
    """A source of what it is given, which remembers what was acknowledged."""

    def __init__(self, *raws: bytes, forgets: bool = False) -> None:
        self.forgets = forgets
        self._left = [Delivery(raw, f"given:{number}") for number, raw in enumerate(raws, start=1)]
        self.acked: list[str] = []

    def receive(self, most: int, wait_s: float) -> list[Delivery] | None:
        if not self._left:
            return None
        given, self._left = self._left[:most], self._left[most:]
        return given

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self.acked += [delivery.ref for delivery in deliveries]

    def fraction(self) -> float | None:
        return None

    def close(self) -> None: ...


def email(number: int, text: str = "Where is my order?", **more: Any) -> bytes:
    return json.dumps({"id": number, "user_id": 1, "text": f"{text} {number}", **more}).encode()


@pytest.fixture(scope="module")
def triage() -> Task:
    return load(find("triage"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "attune.db")


def places(store: Store) -> dict[str, Place]:
    return {row.key: row.place for row in store.outcomes()}


def test_every_input_ends_in_exactly_one_place(store: Store, triage: Task) -> None:
    source = Given(*(email(n) for n in range(100)), b"{broken", b"{broken", email(7), email(8, "Other words"))
    counts = run(source, store, Act(triage, ScriptedEngine()))
    assert counts.read == 104
    assert counts.reconciled
    assert (counts.dead, counts.repeated) == (2, 2)
    assert counts.reasons == {"bad_input": 1, "duplicate_id": 1}
    assert counts.table + counts.review == 100
    assert len(source.acked) == 104
    assert sum(store.counts().values()) == 102
    assert store.status().waiting == 0


def test_running_again_changes_nothing(store: Store, triage: Task) -> None:
    inputs = [email(n) for n in range(40)] + [b"[]", email(3, "Other words")]
    run(Given(*inputs), store, Act(triage, ScriptedEngine()))
    before = places(store)
    counts = run(Given(*inputs), store, Act(triage, ScriptedEngine()))
    assert (counts.read, counts.repeated, counts.settled) == (42, 42, 0)
    assert places(store) == before


def test_the_queue_gives_what_was_put_in(store: Store, triage: Task) -> None:
    store.enqueue([identify(email(n), f"q:{n}", 10_000) for n in range(70)])
    counts = run(None, store, Act(triage, ScriptedEngine()))
    assert counts.read == counts.settled == 70
    assert run(None, store, Act(triage, ScriptedEngine())).read == 0


def test_what_a_dead_run_took_from_a_source_that_forgets_is_taken_from_the_queue(
    store: Store, triage: Task
) -> None:
    taken = [identify(email(n), f"topic@{n}", 10_000) for n in range(10)]
    store.admit(taken, triage.name, triage.version, "dead", lease_s=0.5)
    source = Given(*(email(n) for n in range(10, 20)), forgets=True)
    counts = run(source, store, Act(triage, ScriptedEngine()), Limits(lease_s=0.5))
    assert (counts.read, counts.settled, counts.reconciled) == (20, 20, True)
    assert store.waiting() == 0


def test_a_run_from_a_file_leaves_the_queue_to_others(store: Store, triage: Task) -> None:
    store.enqueue([identify(email(n), f"q:{n}", 10_000) for n in range(3)])
    counts = run(Given(email(5)), store, Act(triage, ScriptedEngine()))
    assert (counts.read, store.waiting()) == (1, 3)


def test_a_drained_run_finishes_what_is_in_flight_and_gives_back_the_rest(store: Store, triage: Task) -> None:
    stop = threading.Event()

    def watch(_outcomes: Sequence[Outcome], _counts: Counts) -> None:
        stop.set()

    inputs = [email(n) for n in range(500)]
    act = Act(triage, ScriptedEngine(script=Script(delay_ms=50)))
    counts = run(Given(*inputs), store, act, Limits(in_flight=4), stop=stop, watch=watch)
    assert 0 < counts.settled < 500
    assert counts.reconciled
    assert counts.returned > 0
    assert store.status().waiting == counts.returned
    rest = run(Given(*inputs), store, act)
    assert rest.repeated == counts.settled
    assert sum(store.counts().values()) == 500


def test_an_engine_that_always_fails_stops_the_run_and_loses_nothing(store: Store, triage: Task) -> None:
    act = Act(triage, ScriptedEngine(script=Script(fail=1.0)), tries=1)
    with pytest.raises(EngineError, match=r"the engine failed on \d+ chats in a row"):
        run(Given(*(email(n) for n in range(300))), store, act, Limits(in_flight=4, max_engine_failures=20))
    dead, waiting = store.counts()[Place.DEAD], store.status().waiting
    assert 20 <= dead < 300
    assert waiting > 0
    assert store.replay(all=True) == dead
    mended = run(Given(*(email(n) for n in range(300))), store, Act(triage, ScriptedEngine()))
    assert mended.settled == 300
    assert sum(store.counts().values()) == 300


def test_one_engine_failure_stops_nothing(store: Store, triage: Task) -> None:
    act = Act(triage, ScriptedEngine(script=Script(fail=0.2)), tries=1)
    counts = run(Given(*(email(n) for n in range(200))), store, act, Limits(max_engine_failures=20))
    assert counts.settled == 200
    assert counts.reasons["engine_failed"] == counts.dead > 10


def test_a_slow_chat_holds_up_nobody(store: Store, triage: Task) -> None:
    act = Act(triage, ScriptedEngine(script=Script(hang=0.05)), tries=1, timeout_s=1.0)
    done_by_then: list[int] = []

    def watch(outcomes: Sequence[Outcome], counts: Counts) -> None:
        done_by_then.extend(counts.settled for outcome in outcomes if outcome.reason)

    counts = run(Given(*(email(n) for n in range(100))), store, act, watch=watch)
    assert counts.reasons["engine_timeout"] == counts.dead > 0
    assert min(done_by_then) >= 100 - counts.dead


def test_a_chat_in_another_workers_hands_is_waited_for(store: Store, triage: Task) -> None:
    held = [identify(email(n), f"x:{n}", 10_000) for n in range(3)]
    store.admit(held, triage.name, triage.version, "a worker that died", 0.5)
    counts = run(Given(*(email(n) for n in range(10))), store, Act(triage, ScriptedEngine()))
    assert counts.read == counts.settled == 10


def test_two_runs_on_one_store_share_its_queue_and_double_nothing(tmp_path: Path, triage: Task) -> None:
    store = Store.open(tmp_path / "attune.db")
    store.enqueue([identify(email(n), f"q:{n}", 10_000) for n in range(300)])
    asked: list[str] = []

    class Counting(ScriptedEngine):
        def submit(self, request: Any) -> Any:
            asked.append(f"{request.task} {request.chat_id}")
            return super().submit(request)

    act = Act(triage, Counting(script=Script(delay_ms=1)))
    counts: list[Counts] = []
    workers = [threading.Thread(target=lambda: counts.append(run(None, store, act))) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(count.settled for count in counts) == 300
    assert all(count.settled for count in counts)
    assert len(asked) == len(set(asked))


def test_a_fault_of_ours_ends_the_run_loudly(store: Store, triage: Task) -> None:
    class Odd(ScriptedEngine):
        @property
        def model(self) -> str:
            raise AssertionError("no model")

    with pytest.raises(AssertionError, match="no model"):
        run(Given(email(1)), store, Act(triage, Odd(script=Script(fail=1.0)), tries=1))


@pytest.mark.timeout(30)
def test_a_fault_where_outcomes_are_counted_ends_the_run_loudly(store: Store, triage: Task) -> None:
    def watch(*_: object) -> None:
        raise AssertionError("no bar")

    with pytest.raises(AssertionError, match="no bar"):
        run(Given(*(email(n) for n in range(300))), store, Act(triage, ScriptedEngine()), watch=watch)
