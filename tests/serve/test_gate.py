"""The gate: who may ask, how much, and how they are told that they may not."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import Make, client_of

from attune.errors import BadConfig
from attune.serve import keys
from attune.serve.bounds import Bounds
from attune.serve.service import Service
from attune.testing import Script, ScriptedEngine

KEY = "a-key-of-many-signs"
CHAT = {"id": 1, "user_id": 7, "text": "My parcel is late, and Kim Park is angry."}


def told(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""])
def test_a_name_that_only_leads_here_is_refused(client: TestClient, host: str) -> None:
    assert told(client.get("/healthz", headers={"Host": host})) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]", "[::1]:8000"])
def test_this_machine_s_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_a_page_of_another_site_is_refused_and_one_of_this_is_not(client: TestClient) -> None:
    other = client.post("/v1/chats", json=CHAT, headers={"Origin": "https://evil.example"})
    assert told(other) == (403, "cross_site")
    own = client.post("/v1/chats", json=CHAT, headers={"Origin": "http://127.0.0.1"})
    assert own.status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_can_post_is_refused(client: TestClient, kind: str) -> None:
    posted = client.post("/v1/chats", content=b'{"id": 1}', headers={"Content-Type": kind})
    assert told(posted) == (415, "wrong_content_type")


def test_without_its_key_nobody_gets_in_and_the_watchers_do(make: Make) -> None:
    client = client_of(make(keys=(KEY, "another-key-of-many-signs")))
    for path in ("/v1/models", "/metrics", "/docs", "/openapi.json"):
        for given in ({}, {"Authorization": f"Bearer {KEY}x"}, {"Authorization": KEY}):
            assert told(client.get(path, headers=given)) == (401, "invalid_api_key")
        assert client.get(path, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
    assert {client.get(path).status_code for path in ("/healthz", "/readyz", "/ping")} == {200}


def test_keys_come_by_a_list_and_by_a_file(tmp_path: Any) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n{KEY}\n\n", encoding="utf-8")
    loaded = keys.load(" first-key-of-many-signs,,second-key-of-many-signs ", str(file))
    for key in (KEY, "first-key-of-many-signs", "second-key-of-many-signs"):
        assert loaded.open_to(f"Bearer {key}")
    assert not loaded.open_to("Bearer ")
    assert not keys.load("", "")
    for listed, path in (("short", ""), ("", str(tmp_path / "none"))):
        with pytest.raises(BadConfig):
            keys.load(listed, path)


def test_a_service_without_keys_stays_on_this_machine() -> None:
    for host in ("0.0.0.0", "::", "192.168.0.7", "example.org"):
        with pytest.raises(BadConfig, match="other machines"):
            keys.check(host, keys.load("", ""))
        keys.check(host, keys.load(KEY, ""))
    for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        keys.check(host, keys.load("", ""))


def test_a_body_that_is_too_long_is_refused_however_it_is_sent(make: Make) -> None:
    client = client_of(make(bounds=Bounds(max_body_bytes=1000)))
    long = b'{"id": 1, "user_id": 7, "text": "' + b"x" * 2000 + b'"}'
    for content in (long, (long[at : at + 100] for at in range(0, len(long), 100))):
        posted = client.post("/v1/chats", content=content, headers={"Content-Type": "application/json"})
        assert told(posted) == (413, "body_too_long")


def test_a_full_service_says_when_to_come_back(make: Make) -> None:
    service = make(bounds=Bounds(max_requests=2))
    client = client_of(service)
    with service.traffic.entered(), service.traffic.entered():
        full = client.post("/v1/chats", json=CHAT)
        assert told(full) == (429, "too_many_requests")
        assert full.headers["Retry-After"] == "1"
        assert client.get("/healthz").status_code == 200
    assert client.post("/v1/chats", json=CHAT).status_code == 200


def test_a_draining_service_takes_nothing_new(service: Service, client: TestClient) -> None:
    service.traffic.draining = True
    refused = client.post("/v1/chats", json=CHAT)
    assert told(refused) == (503, "draining")
    assert refused.headers["Retry-After"] == "1"
    assert client.get("/healthz").status_code == 200
    assert {client.get(path).status_code for path in ("/readyz", "/ping")} == {503}


def test_the_log_has_a_line_for_each_request_and_no_word_of_the_customer_s(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("attune").propagate = True
    with caplog.at_level(logging.INFO, "attune"):
        client.post("/v1/chats", json=CHAT)
        client.get("/v1/models/Kim-Park")
        client.get("/Kim-Park?x=Kim")
    once = {id(record): vars(record) for record in caplog.records}  # two loggers may tell of the same one
    lines = [told for told in once.values() if told.get("action") == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/chats", 200),
        ("GET", "/v1/models/{model}", 404),
        ("GET", "none", 404),
    ]
    assert not any("Kim" in str(vars(record)) for record in caplog.records)


def test_requests_and_chats_are_counted(client: TestClient) -> None:
    client.post("/v1/chats", json=[CHAT, 5, CHAT])
    counted = client.get("/metrics").text
    assert 'attune_http_requests_total{route="/v1/chats",status="200"} 1.0' in counted
    assert 'attune_dead_total{reason="bad_input"} 1.0' in counted
    assert "attune_in_flight 0.0" in counted


def test_a_service_whose_engine_fails_on_every_chat_is_not_ready(make: Make) -> None:
    client = client_of(make(ScriptedEngine(script=Script(fail=1.0))))
    assert client.get("/readyz").status_code == 200
    client.post("/v1/chats", json=[{**CHAT, "id": number} for number in range(20)])
    assert told(client.get("/readyz")) == (503, "engine_failed")
