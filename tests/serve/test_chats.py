"""`/v1/chats`: outcomes as everywhere, in the store, each once."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import Make, client_of

from attune.errors import StoreError
from attune.limits import Limits
from attune.request import Request
from attune.serve.bounds import Bounds
from attune.serve.intake import Intake
from attune.serve.service import Service
from attune.store import Store
from attune.testing import Script, ScriptedEngine, fill


def chat(number: int, text: str = "My parcel came late, and nobody answers.") -> dict[str, Any]:
    return {"id": number, "user_id": 7, "text": text}


def stored(service: Service) -> dict[str, str]:
    return {each.key: str(each.place) for each in service.store.outcomes()}


def test_a_chat_ends_in_the_store_and_in_the_answer(service: Service, client: TestClient) -> None:
    outcome = client.post("/v1/chats", json=chat(1)).json()
    assert outcome["id"] == "1"
    assert outcome["place"] in ("table", "review")
    assert outcome["values"]["sentiment"] in (-1, 0, 1)
    assert (outcome["draft"] is not None) == (outcome["place"] == "review")
    assert outcome["stored"]
    assert stored(service) == {"1": outcome["place"]}
    assert service.store.waiting() == 0


def test_the_same_chat_again_is_answered_from_the_store(service: Service, client: TestClient) -> None:
    chats = [chat(number, f"Where is order {number}?") for number in range(20)] + [{"id": 20}, 5]
    first = client.post("/v1/chats", json=chats).json()
    again = client.post("/v1/chats", json=chats).json()
    assert {each["place"] for each in first} == {"table", "review", "dead"}
    assert not any(each["repeated"] for each in first)
    assert again == [{**each, "repeated": True} for each in first]
    assert len(stored(service)) == 22


def test_a_bad_chat_is_its_own_dead_letter_and_never_the_list_s(service: Service, client: TestClient) -> None:
    bad: list[Any] = [None, 5, [], {}, {"id": 3}, {"id": 4, "user_id": 5, "text": ""}]
    answers = client.post("/v1/chats", json=[chat(1), *bad, chat(2)]).json()
    assert [each["place"] == "dead" for each in answers] == [False, *[True] * 6, False]
    assert answers[5]["detail"] == "user_id: missing"
    assert {each["reason"] for each in answers[1:-1]} == {"bad_input"}
    letters = list(service.store.dead())
    assert sorted(letter.raw for letter in letters) == sorted(json.dumps(each).encode() for each in bad)


def test_the_same_id_with_other_words_is_a_dead_letter(service: Service, client: TestClient) -> None:
    client.post("/v1/chats", json=chat(1))
    for repeated in (False, True):
        other = client.post("/v1/chats", json=chat(1, "Other words.")).json()
        assert (other["place"], other["reason"]) == ("dead", "duplicate_id")
        assert other["repeated"] is repeated
    assert len(stored(service)) == 2


def test_without_the_store_nothing_is_kept(service: Service, client: TestClient) -> None:
    answers = client.post("/v1/chats?store=false", json=[chat(1), 5]).json()
    assert [each["stored"] for each in answers] == [False, False]
    assert answers[0]["values"]["sentiment"] in (-1, 0, 1)
    assert answers[1]["reason"] == "bad_input"
    assert stored(service) == {}
    assert service.store.waiting() == 0


def test_a_list_that_is_too_long_and_what_is_no_json_are_refused_whole(make: Make) -> None:
    service = make(bounds=Bounds(max_list=3))
    client = client_of(service)
    long = client.post("/v1/chats", json=[chat(number) for number in range(4)])
    assert (long.status_code, long.json()["error"]["code"]) == (413, "list_too_long")
    for body in (b"{", b"5", b'"x"', b"[" * 100_000):
        bad = client.post("/v1/chats", content=body, headers={"Content-Type": "application/json"})
        assert bad.status_code == 400
    assert client.post("/v1/chats", json=[]).json() == []
    assert stored(service) == {}


def test_the_same_chat_many_times_at_once_is_handled_once(make: Make) -> None:
    service = make(ScriptedEngine(script=Script(delay_ms=50)))
    client = client_of(service)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/chats", json=chat(1)).json(), range(16)))
    assert len({json.dumps({**each, "repeated": None}) for each in answers}) == 1
    assert sum(not each["repeated"] for each in answers) >= 1
    assert service.intake.counts.settled == 1


def test_a_chat_in_another_process_s_hands_is_awaited(service: Service, client: TestClient) -> None:
    from attune.feed import identify

    act = service.act
    given = identify(json.dumps(chat(1)).encode(), "elsewhere", 10**6)
    service.store.admit([given], act.task.name, act.task.version, "another", 0.5)
    assert client.post("/v1/chats", json=chat(1)).json()["place"] in ("table", "review")


class Failing(Store):
    """A store whose disk is full while `full` is set."""

    full = threading.Event()

    def settle(self, pairs: Any) -> None:
        if self.full.is_set():
            raise StoreError("the disk is full")
        super().settle(pairs)


def test_what_a_full_disk_did_not_take_is_written_when_it_does(make: Make, tmp_path: Path) -> None:
    made = make()
    with Failing.open(tmp_path / "failing.db") as store:
        intake = Intake(store, made.act, Limits(), made.metrics.watch)
        service = replace(made, store=store, intake=intake)
        client = client_of(service)
        store.full.set()
        refused = client.post("/v1/chats", json=chat(1))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert "the disk is full" in refused.json()["error"]["message"]
        assert client.get("/readyz").status_code == 503
        store.full.clear()
        assert client.get("/readyz").status_code == 200
        assert client.post("/v1/chats", json=chat(1)).json()["repeated"]
        intake.close()
        assert store.waiting() == 0


def test_a_list_shares_the_engine_s_batch(make: Make) -> None:
    asked: list[int] = [0, 0]
    lock = threading.Lock()

    def answer(request: Request) -> str:
        with lock:
            asked[0] += 1
            asked[1] = max(asked)
        time.sleep(0.05)
        with lock:
            asked[0] -= 1
        return fill(request)

    client = client_of(make(ScriptedEngine(answer)))
    client.post("/v1/chats", json=[chat(number, f"Thank you {number}") for number in range(64)])
    assert 16 <= asked[1] <= Limits().in_flight


@pytest.mark.parametrize("place", ["table", "review", "dead"])
def test_an_answer_says_where_its_chat_ended(client: TestClient, place: str) -> None:
    chats = [chat(number, f"Where is order {number}?") for number in range(20)] + [5]
    answers = client.post("/v1/chats", json=chats).json()
    assert any(each["place"] == place for each in answers)
