"""Serving: engines are loaded beside those that serve, swapped, and closed when nobody holds them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from attune.arms import Arm, Split
from attune.chat import Chat, Role, Turn
from attune.engines import Engine
from attune.errors import BadConfig, EngineError
from attune.handle import handle
from attune.outcome import Place
from attune.request import Request
from attune.serving import Asking, Engines, Following, Serving
from attune.testing import ScriptedEngine, fill

OWN = Arm("scripted:own", "triage")
FIRST = Split((Arm("", ""), Arm("scripted:b", "", "b", 0.0)), 1)


class Loads:
    """Makes engines that say which they are, and remembers those that were closed."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.closed: list[str] = []
        self.asked: list[tuple[str, Request]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, address: str) -> Engine:
        self.gate.wait(10)
        if "broken" in address:
            raise EngineError(f"{address} cannot be loaded")
        self.loaded.append(address)
        return Named(address, self)


class Named(ScriptedEngine):
    """An engine called by its address; for it every customer is unhappy."""

    def __init__(self, address: str, loads: Loads) -> None:
        def answer(request: Request) -> str:
            loads.asked.append((address, request))
            return '{"sentiment": -1, "summary": "Late."}' if request.task == "triage" else fill(request)

        super().__init__(answer)
        self._address, self._loads = address, loads

    @property
    def model(self) -> str:
        return self._address

    def close(self) -> None:
        super().close()
        self._loads.closed.append(self._address)


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
def engines(loads: Loads) -> Iterator[Engines]:
    with closing(Engines(loads)) as engines:
        yield engines


def until(come: Callable[[], bool]) -> None:
    for _ in range(1000):
        if come():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def a_chat() -> Chat:
    return Chat(id="1", user_id="2", turns=(Turn(Role.CUSTOMER, "My parcel is late."),))


def test_without_a_split_what_the_worker_was_started_with_is_the_only_arm(engines: Engines) -> None:
    serving = Serving(None, Asking(), engines, OWN)
    assert serving.act_for("1").arm == "base"
    assert serving.main.engine.model == "scripted:own"
    assert serving.versions == {serving.main.task.version}


def test_arms_that_share_an_engine_load_it_once(engines: Engines, loads: Loads) -> None:
    split = Split((Arm("", ""), Arm("", "", "warm", sampling={"temperature": 0.5})), 1)
    Serving(split, Asking(), engines, OWN)
    assert loads.loaded == ["scripted:own"]


def test_a_chat_in_work_keeps_its_engine_which_is_then_closed(engines: Engines, loads: Loads) -> None:
    serving = Serving(FIRST, Asking(), engines, OWN)
    act = serving.act_for("1")
    serving.follow(Split((Arm("scripted:c", "", "c"),), 2))
    assert serving.act_for("1").arm == "c"
    engines.sweep()
    assert loads.closed == ["scripted:b"], "nobody had it; the other is in somebody's hands"
    assert handle(a_chat(), act).model == "scripted:own"
    del act
    engines.sweep()
    assert sorted(loads.closed) == ["scripted:b", "scripted:own"]


def test_an_engine_that_serves_on_is_not_loaded_again(engines: Engines, loads: Loads) -> None:
    serving = Serving(FIRST, Asking(), engines, OWN)
    serving.follow(Split((Arm("", "", weight=0.0), Arm("scripted:b", "", "b")), 2))
    assert serving.act_for("1").arm == "b"
    assert loads.loaded == ["scripted:own", "scripted:b"]


def test_new_arms_are_loaded_beside_those_that_serve(engines: Engines, loads: Loads) -> None:
    newest = FIRST
    serving = Serving(FIRST, Asking(), engines, OWN)
    with closing(Following(serving, engines, lambda: newest)):
        loads.gate.clear()
        newest = Split((Arm("scripted:c", "", "c"),), 2)
        time.sleep(0.8)
        assert serving.act_for("1").arm == "base", "the old one serves while the new one loads"
        loads.gate.set()
        until(lambda: serving.act_for("1").arm == "c")
        until(lambda: "scripted:own" in loads.closed)


def test_arms_that_cannot_be_loaded_change_nothing_and_later_ones_do(engines: Engines) -> None:
    newest = FIRST
    serving = Serving(FIRST, Asking(), engines, OWN)
    with closing(Following(serving, engines, lambda: newest)):
        newest = Split((Arm("scripted:broken", "", "c"),), 2)
        time.sleep(0.8)
        assert serving.split == FIRST
        newest = Split((Arm("scripted:d", "", "d"),), 3)
        until(lambda: serving.act_for("1").arm == "d")


def test_arms_that_are_taken_back_while_they_load_never_serve(engines: Engines, loads: Loads) -> None:
    newest = FIRST
    seen = set[int]()
    serving = Serving(FIRST, Asking(), engines, OWN)
    with closing(Following(serving, engines, lambda: newest)):
        loads.gate.clear()
        newest = Split((Arm("scripted:c", "", "c"),), 2)
        time.sleep(0.8)
        newest = Split(FIRST.arms, 3)
        loads.gate.set()

        def taken_up() -> bool:
            seen.add(serving.split.version)
            return serving.split.version == 3

        until(taken_up)
    assert seen == {1, 3}


def test_a_large_model_drafts_what_a_small_one_has_read(engines: Engines, loads: Loads) -> None:
    arm = Arm("", "", "cascade", 1, {"temperature": 0.5, "top_k": 3}, "scripted:large")
    outcome = handle(a_chat(), Serving(Split((arm,), 1), Asking(), engines, OWN).act_for("1"))
    assert outcome.place is Place.REVIEW
    assert (outcome.arm, outcome.model) == ("cascade", "scripted:own > scripted:large")
    asked = [(who, request.task, request.sampling.temperature) for who, request in loads.asked]
    assert asked == [("scripted:own", "triage", 0.0), ("scripted:large", "reply", 0.5)]


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        (
            Arm("", "", "b", sampling={"heat": 1}),
            "arm b: heat is no parameter of drafts; there are temperature",
        ),
        (Arm("", "", "b", sampling={"top_p": 7}), "arm b: top_p: 7 is out of range"),
        (Arm("", "", "b", sampling={"num_beams": 4}), "arm b: .*num_beams"),
        (Arm("", "translate", "b"), "the arms ask different tasks, translate, triage"),
    ],
)
def test_an_arm_that_cannot_serve_is_refused_in_words(engines: Engines, arm: Arm, why: str) -> None:
    with pytest.raises(BadConfig, match=why):
        Serving(Split((Arm("", ""), arm), 1), Asking(), engines, OWN)
