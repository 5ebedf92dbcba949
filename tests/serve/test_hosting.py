"""The contract of hosting containers: texts in, texts out, and errors in words where they had none."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from starlette.testclient import TestClient


def post(address: str, body: Any) -> Any:
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_list_of_texts_gets_a_list_of_texts(pocket: str) -> None:
    inputs = ["Briefly summarize this text: it rained.", "Briefly summarize this text: it did not."]
    both = post(pocket, {"text_inputs": inputs, "max_length": 8})["generated_texts"]
    alone = [post(pocket, {"text_inputs": each, "max_length": 8})["generated_texts"] for each in inputs]
    assert both == [text for texts in alone for text in texts]
    assert all(both)


def test_the_parameters_of_the_contract_are_heeded(pocket: str) -> None:
    asked = {
        "text_inputs": ["Hello"],
        "max_length": 12,
        "num_return_sequences": 3,
        "top_k": 50,
        "top_p": 0.95,
    }
    drawn = post(pocket, {**asked, "do_sample": True, "seed": 7})["generated_texts"]
    assert len(set(drawn)) == 3
    assert post(pocket, {**asked, "do_sample": True, "seed": 7})["generated_texts"] == drawn


def test_plain_text_gets_plain_text(client: TestClient) -> None:
    answer = client.post(
        "/invocations", content="Grüße an alle".encode(), headers={"Content-Type": "application/x-text"}
    )
    assert answer.json() == {"generated_text": "Grüße an alle"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "text_inputs: missing"),
        ({"text_inputs": 5}, "text_inputs: a text is needed"),
        ({"text_inputs": []}, "text_inputs: a text is needed"),
        ({"text_inputs": ["a"], "max_lenght": 5}, "max_lenght: not a parameter"),
        ({"text_inputs": ["a"], "temperature": -1}, "temperature: -1 is out of range"),
        ({"text_inputs": ["a"], "num_beams": 4}, "no num_beams"),
        ({"text_inputs": ["a"] * 257}, "at most 256"),
        (["a"], "must be a JSON object"),
    ],
)
def test_a_bad_request_is_a_400_in_words(client: TestClient, body: Any, words: str) -> None:
    refused = client.post("/invocations", json=body)
    assert refused.status_code == 400
    assert words in refused.json()["error"]["message"]


def test_text_that_is_no_text_is_refused(client: TestClient) -> None:
    headers = {"Content-Type": "application/x-text"}
    assert client.post("/invocations", content=b"\xff\xfe", headers=headers).status_code == 400


def test_the_platform_s_ping_is_answered(client: TestClient) -> None:
    assert client.get("/ping").status_code == 200
