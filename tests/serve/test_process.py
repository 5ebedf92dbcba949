"""The process: listens where it should, drains, and loses nothing when it is killed."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import COMMAND, Attune, clean_environment
from tests.serve.conftest import running

from attune.serve.process import listening
from attune.store import Store


def ask(address: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def until_in_flight(address: str, count: int) -> None:
    """Waits until so many requests are being answered, besides the one that asks."""
    until = time.monotonic() + 20
    while True:
        with urllib.request.urlopen(f"{address}/metrics", timeout=30) as answer:
            if f"attune_http_in_flight {count + 1}.0" in answer.read().decode():
                return
        assert time.monotonic() < until


def chat(number: int) -> dict[str, Any]:
    return {"id": number, "user_id": 7, "text": f"Where is order {number}?"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_is_in_flight_finish_and_takes_nothing_new(tmp_path: Path, number: int) -> None:
    answers: list[tuple[int, Any]] = []
    with running(tmp_path, ATTUNE_ENGINE="scripted:delay_ms=2000") as service:
        asking = [
            threading.Thread(target=lambda n=n: answers.append(ask(service.address, "/v1/chats", chat(n))))
            for n in range(4)
        ]
        for thread in asking:
            thread.start()
        until_in_flight(service.address, 4)
        service.process.send_signal(number)
        time.sleep(0.1)
        assert ask(service.address, "/v1/chats", chat(99))[0] == 503
        assert ask(service.address, "/readyz")[0] == 503
        assert ask(service.address, "/healthz")[0] == 200
        for thread in asking:
            thread.join()
        assert [status for status, _ in answers] == [200] * 4
        assert service.process.wait(10) == 0
    rows = Attune(tmp_path, clean_environment()).rows()
    assert sorted(row["id"] for row in rows) == ["0", "1", "2", "3"]


def test_an_answer_in_two_pieces_does_not_wait_for_the_clients_acknowledgement() -> None:
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def ask_in_vain(address: str, path: str, body: Any) -> threading.Thread:
    """Asks what is never answered."""

    def begin() -> None:
        with contextlib.suppress(OSError):
            ask(address, path, body)

    thread = threading.Thread(target=begin)
    thread.start()
    return thread


@pytest.mark.parametrize(("drain", "code"), [("60", 143), ("0.5", 1)])
def test_a_second_signal_ends_it_at_once_and_so_does_the_end_of_its_time(
    tmp_path: Path, drain: str, code: int
) -> None:
    with running(tmp_path, "--drain-s", drain, ATTUNE_ENGINE="scripted:delay_ms=20000") as service:
        asking = ask_in_vain(service.address, "/v1/chats", chat(1))
        until_in_flight(service.address, 1)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert service.process.poll() is None
        began = time.monotonic()
        assert (service.stop() if code == 143 else service.process.wait(10)) == code
        assert time.monotonic() - began < 5
        asking.join()
    with Store.open(tmp_path / "attune.db") as store:
        assert store.waiting() == 1


def test_what_a_killed_process_had_is_done_by_the_next(tmp_path: Path) -> None:
    with running(tmp_path, "--lease-s", "0.5", ATTUNE_ENGINE="scripted:delay_ms=2000") as service:
        asking = ask_in_vain(service.address, "/v1/chats", [chat(number) for number in range(20)])
        until_in_flight(service.address, 1)
        time.sleep(0.2)
        service.stop(signal.SIGKILL)
        asking.join()
    attune = Attune(tmp_path, clean_environment())
    with Store.open(tmp_path / "attune.db") as store:
        assert store.waiting() == 20
    with running(tmp_path) as service:
        until = time.monotonic() + 20
        while len(attune.rows()) < 20:
            assert time.monotonic() < until
            time.sleep(0.1)
        status, outcomes = ask(service.address, "/v1/chats", [chat(n) for n in range(20)])
        assert status == 200
        assert all(outcome["repeated"] for outcome in outcomes)
        assert service.stop() == 0


def test_it_follows_the_queue_where_it_is_told_to(tmp_path: Path) -> None:
    attune = Attune(tmp_path, clean_environment())
    with running(tmp_path, "--follow"):
        attune("enqueue", "-", stdin=json.dumps(chat(1)).encode())
        until = time.monotonic() + 20
        while not attune.rows():
            assert time.monotonic() < until
            time.sleep(0.1)


def refused(folder: Path, *args: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, "serve", *args],
        cwd=folder,
        env=clean_environment() | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_it_does_not_open_itself_to_others_without_a_key(tmp_path: Path) -> None:
    code, said = refused(tmp_path, "--host", "0.0.0.0")
    assert code == 2
    assert "ATTUNE_API_KEYS" in said


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        code, said = refused(tmp_path, "--port", service.address.rpartition(":")[2])
    assert code == 2
    assert "choose another --host or --port" in said


def test_keys_are_never_logged(tmp_path: Path) -> None:
    key = "a-key-of-many-signs"
    with running(tmp_path, ATTUNE_API_KEYS=key, ATTUNE_LOG_LEVEL="debug") as service:
        assert ask(service.address, "/v1/models")[0] == 401
        request = urllib.request.Request(
            f"{service.address}/v1/models", headers={"Authorization": f"Bearer {key}"}
        )
        assert urllib.request.urlopen(request, timeout=10).status == 200
        service.stop()
        assert service.process.stderr is not None
        said = service.process.stderr.read()
    assert "action=request" in said
    assert key not in said
