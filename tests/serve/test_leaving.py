"""Clients that go away in the middle: what was theirs alone is given up, what is in the store goes on."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.serve.conftest import Make, listening

from attune.engines.openvino import OpenVINOEngine
from attune.models import POCKET
from attune.testing import Script, ScriptedEngine

HELLO = [{"role": "user", "content": "Tell me all about your parcels."}]


@pytest.fixture(scope="module")
def engine() -> Iterator[OpenVINOEngine]:
    engine = OpenVINOEngine(POCKET)
    yield engine
    engine.close()


def begin(address: str, path: str, body: Any) -> socket.socket:
    """Sends a request and reads nothing."""
    host, port = address.removeprefix("http://").split(":")
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection((host, int(port)))
    connection.sendall(head.encode() + f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return connection


def until(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("stream", [False, True])
def test_who_goes_away_in_the_middle_gives_the_engine_s_blocks_back(
    make: Make, engine: OpenVINOEngine, stream: bool
) -> None:
    service = make(engine)
    body = {"messages": HELLO, "max_tokens": 1900, "temperature": 3, "seed": 11, "stream": stream}
    with listening(service) as address:
        clients = [begin(address, "/v1/chat/completions", body) for _ in range(4)]
        until(lambda: engine.stats().running == 4)
        steps = engine.stats().steps
        for client in clients:
            client.close()
        until(lambda: engine.stats().running == 0)
        assert engine.free_blocks == engine.blocks
        assert engine.stats().steps - steps < 1000, "the texts were written to their ends"
        until(lambda: service.traffic.in_flight == 0)
    assert service.metrics.registry.get_sample_value("attune_tokens_total", {"direction": "output"}) is None


def test_a_stream_whose_reader_sleeps_does_not_hold_up_the_others(make: Make, engine: OpenVINOEngine) -> None:
    body = {"messages": HELLO, "max_tokens": 200, "temperature": 3, "seed": 11, "stream": True}
    with listening(make(engine)) as address:
        sleeper = begin(address, "/v1/chat/completions", body)
        awake = begin(address, "/v1/chat/completions", body)
        received = b""
        while b"[DONE]" not in received:
            received += awake.recv(65_536)
        sleeper.close()
        awake.close()


def test_a_chat_that_is_not_stored_is_given_up_with_its_client(make: Make) -> None:
    service = make(ScriptedEngine(script=Script(hang=1.0)))
    with listening(service) as address:
        client = begin(address, "/v1/chats?store=false", {"id": 1, "user_id": 2, "text": "Hello"})
        until(lambda: service.traffic.in_flight == 1)
        client.close()
        until(lambda: service.traffic.in_flight == 0)
        assert service.intake.judge_only(b"5", lambda act: act).result(10).detail


def test_a_chat_in_the_store_goes_on_without_its_client(make: Make) -> None:
    service = make(ScriptedEngine(script=Script(delay_ms=300)))
    with listening(service) as address:
        client = begin(address, "/v1/chats", {"id": 1, "user_id": 2, "text": "Hello"})
        until(lambda: service.store.waiting() == 1)
        client.close()
        until(lambda: service.traffic.in_flight == 0)
        until(lambda: service.store.waiting() == 0)
    assert [each.key for each in service.store.outcomes()] == ["1"]
