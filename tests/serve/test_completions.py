"""Texts in OpenAI's shape, asked for by the public client, from the process itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from starlette.testclient import TestClient
from tests.engines.asking import VOCABULARY
from tests.serve.conftest import Make, client_of

from attune.engines.openvino.folder import open_folder
from attune.engines.paged.tokens import Tokens
from attune.models import POCKET
from attune.serve.bounds import Bounds
from attune.testing import Script, ScriptedEngine

TALK: Any = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "My parcel is late."},
    {"role": "assistant", "content": "I am sorry."},
    {"role": "user", "content": "Where is it?"},
]
TEMPLATE = (
    "<bos><start_of_turn>user\nBe brief.\n\nMy parcel is late.<end_of_turn>\n<start_of_turn>model\n"
    "I am sorry.<end_of_turn>\n<start_of_turn>user\nWhere is it?<end_of_turn>\n<start_of_turn>model\n"
)


@pytest.fixture
def public(pocket: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{pocket}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_the_public_client_is_answered(public: openai.OpenAI) -> None:
    done = public.chat.completions.create(
        model="pocket",
        messages=TALK,
        max_tokens=12,
        temperature=0,
        seed=3,
        user="Kim",
    )
    (choice,) = done.choices
    assert choice.message.content
    assert done.usage is not None
    assert choice.finish_reason == ("length" if done.usage.completion_tokens == 12 else "stop")
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert done.model == "pocket"


def test_messages_are_the_documented_template_to_the_model(public: openai.OpenAI) -> None:
    """The greedy answer to messages begins as what the engine writes after the template's own text, by token:
    further on, which of two tokens as likely comes can depend on what else the service reads."""
    folder = open_folder(POCKET)
    tokens = Tokens(folder.tokenizer, folder.ends, folder.bos, VOCABULARY)
    done = public.chat.completions.create(
        model="pocket",
        messages=TALK,
        max_tokens=4,
        temperature=0,
    )
    assert done.usage is not None
    assert done.usage.prompt_tokens == len(tokens.encode_prompt(TEMPLATE))
    assert done.choices[0].message.content == after(TEMPLATE, tokens, 4)


def after(text: str, tokens: Tokens, count: int) -> str:
    """What the model itself writes after `text`, by a loop over its logits."""
    import numpy as np
    from tests.engines.asking import Greedy

    from attune.engines.openvino import OpenVINOEngine
    from attune.engines.paged.sequence import Sequence

    engine = OpenVINOEngine(POCKET)
    try:
        sequence = Sequence(tokens.encode_prompt(text), [Greedy(count)])
        engine.enqueue(sequence).result(60)
    finally:
        engine.close()
    written = [int(token) for token in np.array(sequence.whole()[-count:])]
    end = next((at for at, token in enumerate(written) if token in tokens.ends), count)
    return b"".join(tokens.pieces[token] for token in written[:end]).decode("utf-8", "ignore")


@pytest.mark.parametrize("n", [1, 3])
def test_a_streamed_text_is_the_whole_text(public: openai.OpenAI, n: int) -> None:
    asked: dict[str, Any] = {
        "model": "pocket",
        "messages": TALK,
        "max_tokens": 30,
        "temperature": 0.9,
        "seed": 5,
        "n": n,
        "stop": ["zz"],
    }
    whole = public.chat.completions.create(**asked)
    texts, finish, usage, chunks = ["" for _ in range(n)], [None] * n, None, 0
    for chunk in public.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            finish[choice.index] = choice.finish_reason or finish[choice.index]
        usage, chunks = chunk.usage or usage, chunks + 1
    assert texts == [choice.message.content for choice in whole.choices]
    assert finish == [choice.finish_reason for choice in whole.choices]
    assert usage == whole.usage
    assert chunks > 12 * n
    assert len(set(texts)) == n


SHAPE: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "triage",
        "schema": {
            "type": "object",
            "properties": {
                "sentiment": {"type": "integer", "enum": [-1, 0, 1]},
                "urgent": {"type": "boolean"},
                "stars": {"type": "integer", "minimum": 1, "maximum": 5},
                "where": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}},
            },
        },
    },
}


def test_an_answer_fits_the_schema_that_was_given(public: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "pocket", "messages": TALK, "seed": 4, "response_format": SHAPE}
    whole = public.chat.completions.create(**asked).choices[0]
    answer = in_shape(whole.message.content or "")
    assert whole.model_extra is not None
    probabilities = whole.model_extra["probabilities"]
    assert probabilities.keys() == {"sentiment", "urgent"}
    pieces = [
        chunk.choices[0].delta.content or "" for chunk in public.chat.completions.create(**asked, stream=True)
    ]
    assert in_shape("".join(pieces))["sentiment"] == answer["sentiment"]
    assert '{"sentiment": ' + str(answer["sentiment"]) + "," in pieces[1], "before all the rest is written"


def in_shape(content: str) -> dict[str, Any]:
    """The answer, which has what SHAPE asks for. Its words may be others in another batch."""
    answer: dict[str, Any] = json.loads(content)
    assert list(answer) == ["sentiment", "urgent", "stars", "where"]
    assert answer["sentiment"] in (-1, 0, 1)
    assert type(answer["urgent"]) is bool
    assert answer["stars"] in range(1, 6)
    assert list(answer["where"]) == ["city"]
    assert len(answer["where"]["city"]) <= 20
    return answer


def test_texts_are_gone_on_with_each_by_itself(public: openai.OpenAI) -> None:
    prompts = ["thank you " * 9, "no no no no no no no no no"]  # which leave no doubt how to go on
    asked: dict[str, Any] = {"model": "pocket", "max_tokens": 6, "temperature": 0}
    both = public.completions.create(prompt=prompts, **asked)
    alone = [public.completions.create(prompt=each, **asked).choices[0].text for each in prompts]
    assert [choice.text for choice in both.choices] == alone
    pieces = ["", ""]
    for chunk in public.completions.create(prompt=prompts, stream=True, **asked):
        for choice in chunk.choices:
            pieces[choice.index] += choice.text
    assert pieces == alone


def test_without_a_seed_each_call_draws_anew_and_with_one_the_same(public: openai.OpenAI) -> None:
    def text(**given: Any) -> str | None:
        done = public.chat.completions.create(model="pocket", messages=TALK, max_tokens=16, **given)
        content: str | None = done.choices[0].message.content
        return content

    assert text() != text()
    assert text(seed=4) == text(seed=4)


def test_a_prompt_longer_than_the_model_reads_is_refused(public: openai.OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError, match=r"messages are \d+ tokens"):
            public.chat.completions.create(
                model="pocket", messages=[{"role": "user", "content": "word " * 4000}], stream=stream
            )


def test_the_models_are_listed_and_another_is_not_there(public: openai.OpenAI) -> None:
    assert [model.id for model in public.models.list()] == ["pocket"]
    assert public.models.retrieve("pocket").id == "pocket"
    for asked in (lambda: public.models.retrieve("gpt"), lambda: chat_of(public, "gpt")):
        with pytest.raises(openai.NotFoundError, match="there is pocket"):
            asked()


def chat_of(public: openai.OpenAI, model: str) -> Any:
    return public.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("logprobs", True),
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("response_format", {"type": "json_object"}),
        ("max_tokens", 0),
        ("max_tokens", 10**6),
        ("n", 1000),
        ("temperature", -1),
        ("temperature", "hot"),
        ("num_beams", 4),
        ("messages", []),
        ("messages", [{"role": "robot", "content": "Hi"}]),
        ("stream", "yes"),
        ("stream_options", {"every": 5}),
        ("made_up", 1),
        ("model", 5),
    ],
)
def test_what_cannot_be_had_is_refused_by_its_name(client: TestClient, field: str, value: Any) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], field: value}
    refused = client.post("/v1/chat/completions", json=body)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert field in error["message"]


def test_a_request_s_tokens_are_bounded_in_all_its_texts(make: Make) -> None:
    client = client_of(make(bounds=Bounds(max_request_tokens=100, max_list=2)))
    body = {"prompt": ["a", "b"], "max_tokens": 25, "n": 2}
    assert client.post("/v1/completions", json=body).status_code == 200
    over = client.post("/v1/completions", json={**body, "max_tokens": 26})
    assert "104 in all texts of the request; at most 100" in over.json()["error"]["message"]
    assert client.post("/v1/completions", json={**body, "prompt": ["a"] * 3}).status_code == 400


@pytest.mark.parametrize("stream", [False, True])
def test_an_engine_that_fails_or_hangs_is_told_in_words(make: Make, stream: bool) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    for script, bounds, status, code in (
        (Script(fail=1.0), Bounds(), 503, "engine_failed"),
        (Script(hang=1.0), Bounds(timeout_s=0.2), 504, "timeout"),
    ):
        client = client_of(make(ScriptedEngine(script=script), bounds))
        failed = client.post("/v1/chat/completions", json=body)
        assert (failed.status_code, failed.json()["error"]["code"]) == (status, code)


def test_an_error_in_the_middle_of_a_stream_ends_it_in_words(make: Make) -> None:
    client = client_of(make(ScriptedEngine(lambda _: "Hello"), Bounds()))
    body = {"prompt": "Hi", "n": 2, "temperature": 1, "stream": True}
    lines = client.post("/v1/completions", json=body).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    dying = client_of(make(ScriptedEngine(script=Script(dies_after=1))))
    *_, last, end = dying.post("/v1/completions", json=body).text.split("\n\n")
    assert end == ""
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "engine_failed"
