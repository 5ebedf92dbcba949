"""The numbers of a run for Prometheus."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from attune.chat import parse_chat
from attune.engines.paged.stats import Stats
from attune.errors import BadConfig
from attune.handle import Act, handle
from attune.metrics import Metrics
from attune.outcome import Outcome, Place, Reason
from attune.settling import Counts
from attune.store import Input, Store
from attune.task import find, load
from attune.testing import ScriptedEngine, fill

TASK = load(find("triage"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "attune.db")


def outcome(text: str, refuse_once: bool = False) -> Outcome:
    refusals = iter([refuse_once])

    def answer(request: object) -> str:
        return "no JSON" if next(refusals, False) else fill(request)  # type: ignore[arg-type]

    chat = parse_chat(b'{"id": 1, "user_id": 2, "text": "%s"}' % text.encode())
    return handle(chat, Act(TASK, ScriptedEngine(answer)))


def test_every_outcome_is_counted_where_it_ended(store: Store) -> None:
    metrics = Metrics(store, Act(TASK, ScriptedEngine(fill)))
    ended = [outcome("Where is my order?", refuse_once=True), outcome("All well, thanks.")]
    dead = Outcome(Place.DEAD, "3", "d", "triage", "v", reason=Reason.BAD_INPUT)
    metrics.watch([*ended, dead], Counts(read=8, table=2, dead=1, repeated=1))
    metrics.watch([], Counts(read=9, table=2, dead=1, repeated=2))
    value = metrics.registry.get_sample_value
    assert value("attune_inputs_total") == 9
    assert value("attune_in_flight") == 4
    places = [value("attune_outcomes_total", {"place": place}) or 0 for place in ("table", "review", "dead")]
    assert places[0] + places[1] == 2
    assert places[2] == value("attune_dead_total", {"reason": "bad_input"}) == 1
    assert value("attune_asked_again_total") == 1
    assert value("attune_chat_seconds_count") == value("attune_first_choice_seconds_count") == 2
    assert value("attune_tokens_total", {"direction": "output"}) == sum(each.output_tokens for each in ended)


def test_the_backlog_is_asked_of_the_store_and_a_store_that_cannot_say_is_no_fault(store: Store) -> None:
    metrics = Metrics(store, Act(TASK, ScriptedEngine(fill)))
    store.enqueue([Input("1", "d", b"{}", "x:1"), Input("2", "d", b"{}", "x:2")])
    assert metrics.registry.get_sample_value("attune_backlog") == 2
    store.close()
    assert metrics.registry.get_sample_value("attune_backlog") == -1


def test_a_port_that_is_taken_is_said_in_words(store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(BadConfig, match=f"metrics_port {port}: .*; choose another"),
            Metrics(store, Act(TASK, ScriptedEngine(fill))).served(port),
        ):
            pass


def test_an_engine_that_has_stats_is_shown_at_each_look(store: Store) -> None:
    class Telling(ScriptedEngine):
        def stats(self) -> Stats:
            return Stats(2, 1, 64, 50, 400, 300, 500, 9, 0, 0.5, 0.6)

    value = Metrics(store, Act(TASK, Telling(fill))).registry.get_sample_value
    assert value("attune_engine_hit_rate") == 0.75
    assert (value("attune_engine_running"), value("attune_engine_free_blocks")) == (2, 50)
    assert (
        Metrics(store, Act(TASK, ScriptedEngine(fill))).registry.get_sample_value("attune_engine_hit_rate")
        is None
    )
