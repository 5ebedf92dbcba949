"""An engine that dies or hangs is loaded anew, and costs what it had in its hands one try."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from attune import connect
from attune.beam.lasting import LastingEngine
from attune.chat import Chat, Role, Turn
from attune.engines import Engine
from attune.errors import EngineError
from attune.handle import Act, handle
from attune.outcome import Outcome, Place, Reason
from attune.testing import EngineContract, ScriptedEngine, a_request

TASK = connect.task("triage", "scripted:")


class TestContract(EngineContract):
    def make(self) -> Engine:
        return LastingEngine(ScriptedEngine)


class Loads:
    """Gives an engine that goes wrong first, then good ones."""

    def __init__(self, first: str) -> None:
        self.times = 0
        self._first = first

    def __call__(self) -> Engine:
        self.times += 1
        return connect.engine(self._first if self.times == 1 else "scripted:")


def outcomes(engine: Engine, number: int = 200, timeout_s: float = 2.0) -> list[Outcome]:
    act = Act(TASK, engine, timeout_s=timeout_s)
    chats = [Chat(str(n), "7", (Turn(Role.CUSTOMER, f"Order {n} is late."),)) for n in range(number)]
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda chat: handle(chat, act), chats))


@pytest.mark.parametrize("wrong", ["scripted:dies_after=50", "scripted:hangs_after=50"])
def test_each_chat_is_answered_though_the_engine_goes(wrong: str) -> None:
    loads = Loads(wrong)
    engine = LastingEngine(loads, patience_s=0.2)
    ended = outcomes(engine, timeout_s=0.5)
    engine.close()
    assert {outcome.place for outcome in ended} == {Place.TABLE, Place.REVIEW}
    failed = [outcome.asked_again for outcome in ended]
    assert 0 < sum(failed) <= 3 * 16, "only what was in flight when it went was asked again"
    assert max(failed) == 1
    assert loads.times == 2
    assert engine.replaced == 1


def test_an_engine_that_fails_on_a_chat_alone_stays() -> None:
    loads = Loads("scripted:fail=0.1")
    engine = LastingEngine(loads)
    ended = outcomes(engine)
    engine.close()
    assert {outcome.reason for outcome in ended} == {None, Reason.ENGINE_FAILED}
    assert loads.times == 1


def test_while_a_new_engine_loads_nothing_fails() -> None:
    loading, go = threading.Event(), threading.Event()

    def load(times: list[int] = [0]) -> Engine:  # noqa: B006 - counts its calls
        times[0] += 1
        if times[0] == 1:
            return connect.engine("scripted:dies_after=1")
        loading.set()
        assert go.wait(10)
        return ScriptedEngine()

    engine = LastingEngine(load)
    engine.submit(a_request()).result(5)
    with pytest.raises(EngineError):
        engine.submit(a_request()).result(5)
    assert loading.wait(5)
    waiting = engine.submit(a_request())
    given_up = engine.submit(a_request())
    given_up.cancel()
    assert not waiting.done()
    go.set()
    assert waiting.result(5).text
    engine.close()


def test_an_engine_that_cannot_be_loaded_again_is_said_on_every_answer() -> None:
    made: list[Engine] = [connect.engine("scripted:dies_after=1")]
    load: Callable[[], Engine] = lambda: made.pop() if made else refuse()  # noqa: E731

    def refuse() -> Engine:
        raise EngineError("the model's file is gone")

    engine = LastingEngine(load)
    ended = outcomes(engine, 20)
    engine.close()
    dead = [outcome for outcome in ended if outcome.reason is Reason.ENGINE_FAILED]
    assert len(dead) >= 19
    assert engine.replaced == 0
