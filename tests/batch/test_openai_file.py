"""OpenAI's batch file: each line ends in the output file or the error file, as its clients read them."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types import Completion as PublicCompletion
from openai.types.chat import ChatCompletion
from openai.types.shared import ErrorObject
from tests.batch.conftest import Batch

from attune.batch.rows import errors_file
from attune.testing import Script, ScriptedEngine

ENVELOPE = {"id", "custom_id", "response", "error"}


def chat(custom_id: str, said: str = "Hello", **body: Any) -> dict[str, Any]:
    asked = {"model": "any", "messages": [{"role": "user", "content": said}], **body}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": asked}


def completion(custom_id: str, prompt: Any = "Once", **body: Any) -> dict[str, Any]:
    asked = {"model": "any", "prompt": prompt, **body}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/completions", "body": asked}


def test_each_line_is_answered_under_its_custom_id(batch: Batch) -> None:
    lines = [chat("a", "Good morning", n=2), completion("b", ["one", "two"]), chat("c", stream=False)]
    done = batch(batch.file("in.jsonl", lines))
    assert (done.stand.counts.ok, done.stand.counts.failed) == (3, 0)
    rows = {row["custom_id"]: row for row in batch.rows}
    for row in rows.values():
        assert row.keys() == ENVELOPE
        assert row["error"] is None
        assert row["response"].keys() == {"status_code", "request_id", "body"}
        assert row["response"]["status_code"] == 200
    first = ChatCompletion.model_validate(rows["a"]["response"]["body"], strict=True)
    assert [choice.message.content for choice in first.choices] == ["Good morning", "Good morning"]
    second = PublicCompletion.model_validate(rows["b"]["response"]["body"], strict=True)
    assert [choice.text for choice in second.choices] == ["one", "two"]
    assert len({row["id"] for row in rows.values()}) == 3


@pytest.mark.parametrize(
    ("line", "why", "param"),
    [
        (chat("bad", logit_bias={"1": 5}), "logit_bias: not supported", "logit_bias"),
        (chat("bad", max_tokens=0), "max_tokens, max_new_tokens: 0 is out of range", None),
        (chat("bad", best_of=3), "best_of: not supported", "best_of"),
        (chat("bad") | {"method": "GET"}, "method: it must be POST", "method"),
        (chat("bad") | {"url": "/v1/embeddings"}, "url: '/v1/embeddings' is none of", "url"),
        (chat("bad") | {"body": []}, "body: an object is needed", "body"),
        (chat("bad") | {"more": 1}, "more: not a key of a request", "more"),
        (chat("bad", messages=[]), "messages: a list", "messages"),
    ],
)
def test_a_bad_request_is_a_row_of_the_error_file(
    batch: Batch, line: Any, why: str, param: str | None
) -> None:
    batch(batch.file("in.jsonl", [chat("good"), line]))
    (row,) = batch.errors
    assert row.keys() - {"failed_input"} == ENVELOPE
    assert (row["custom_id"], row["response"]["status_code"]) == ("bad", 400)
    told = ErrorObject.model_validate(row["response"]["body"]["error"], strict=True)
    assert why in told.message
    assert (told.type, told.param, told.code) == ("invalid_request_error", param, "bad_input")
    assert [row["custom_id"] for row in batch.rows] == ["good"]


def test_a_line_without_a_custom_id_is_refused_alone(batch: Batch) -> None:
    batch(batch.file("in.jsonl", [chat("good"), {**chat("x"), "custom_id": 5}, "no json"]))
    assert [row["custom_id"] for row in batch.errors] == [None, None]
    assert "custom_id: a text is needed" in batch.errors[0]["response"]["body"]["error"]["message"]


def test_a_failing_engine_is_a_server_s_error_and_can_be_tried_again(batch: Batch) -> None:
    batch.engine = ScriptedEngine(script=Script(fail=1.0))
    batch(batch.file("in.jsonl", [chat("a"), completion("b")]))
    assert {row["response"]["status_code"] for row in batch.errors} == {500}
    assert {row["response"]["body"]["error"]["code"] for row in batch.errors} == {"engine_failed"}
    again = errors_file(batch.out).rename(batch.folder / "again.jsonl")
    batch.engine = ScriptedEngine()
    batch(str(again), fresh=True)
    assert {row["custom_id"] for row in batch.rows} == {"a", "b"}


def test_a_job_goes_on_with_the_time_it_began(batch: Batch) -> None:
    source = batch.file("in.jsonl", [chat(str(number), f"{number}") for number in range(20)])
    batch(source, ordered=True)
    whole = batch.out.read_bytes()
    batch.out.write_bytes(whole[: len(whole) // 2])
    done = batch(source, ordered=True)
    assert 0 < done.stand.before < 20
    assert batch.out.read_bytes() == whole


def test_the_job_s_parameters_hold_where_a_body_says_nothing(batch: Batch) -> None:
    seen = []
    batch.engine = ScriptedEngine(lambda request: seen.append(request.sampling) or "x")  # type: ignore[func-returns-value]
    batch(
        batch.file("in.jsonl", [chat("a"), chat("b", temperature=0.2)]),
        given={"temperature": 0.0, "top_k": 7},
    )
    assert sorted((sampling.temperature, sampling.top_k) for sampling in seen) == [(0.0, 7), (0.2, 7)]
    batch(batch.file("in.jsonl", [chat("a")]), fresh=True)
    assert seen[-1].temperature == 1.0
