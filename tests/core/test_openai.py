"""OpenAI's shape: bodies are read in full or refused in words, and public types read what is written."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types import Completion as PublicCompletion
from openai.types.chat import ChatCompletion

from attune import openai
from attune.errors import BadConfig
from attune.generation import Generation
from attune.given import lay, settle
from attune.request import Completion, Message

HELLO = [{"role": "user", "content": "Hello"}]
TEXT = {"type": "object", "properties": {"note": {"type": "string", "maxLength": 40}}}


def shaped(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def given(**fields: Any) -> Generation:
    asked = openai.read_body(openai.CHAT, {"model": "any", "messages": HELLO, **fields})
    return settle(lay(openai.DEFAULTS, asked.given))


def test_a_conversation_becomes_messages() -> None:
    body = {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": "So?\ud83d", "name": "Kim"},
        ]
    }
    (prompt,) = openai.read_body(openai.CHAT, body).prompts
    assert prompt.messages == (
        Message("system", "Be brief."),
        Message("user", "Hello"),
        Message("model", "Hi"),
        Message("user", "So?\ufffd"),
    )
    assert not prompt.bare


def test_texts_to_go_on_with_are_a_prompt_each() -> None:
    asked = openai.read_body(openai.COMPLETIONS, {"prompt": ["Once", "Twice"]})
    assert [prompt.messages for prompt in asked.prompts] == [
        (Message("user", "Once"),),
        (Message("user", "Twice"),),
    ]
    assert all(prompt.bare for prompt in asked.prompts)
    assert len(openai.read_body(openai.COMPLETIONS, {"prompt": "Once"}).prompts) == 1


def test_parameters_go_by_openai_s_names_and_by_ours() -> None:
    generation = given(max_completion_tokens=5, n=2, stop="END", seed=7, top_p=0.5, temperature=0.4, top_k=3)
    assert generation == settle(
        {
            "max_new_tokens": 5,
            "num_return_sequences": 2,
            "stop": ("END",),
            "seed": 7,
            "top_p": 0.5,
            "temperature": 0.4,
            "top_k": 3,
        }
    )


def test_a_temperature_that_is_not_given_is_1() -> None:
    assert given().temperature == 1.0
    assert given(temperature=0).temperature == 0.0


def test_what_changes_no_text_is_taken() -> None:
    plain = {
        "frequency_penalty": 0,
        "presence_penalty": 0.0,
        "logit_bias": {},
        "tools": [],
        "logprobs": False,
    }
    others = {"user": "u", "metadata": {"a": "b"}, "seed": None, "response_format": {"type": "text"}}
    assert given(**plain, **others) == given()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"frequency_penalty": 0.5}, "frequency_penalty: not supported; leave it out"),
        ({"presence_penalty": 1}, "presence_penalty: not supported"),
        ({"logit_bias": {"50256": -100}}, "logit_bias: not supported"),
        ({"tools": [{"type": "function"}]}, "tools: not supported"),
        ({"response_format": {"type": "json_object"}}, "response_format: .*json_schema.* or text is needed"),
        (
            {"response_format": shaped({"type": "object"})},
            r"response_format: schema.properties: an object with",
        ),
        ({"response_format": shaped(TEXT), "max_tokens": 59}, r"fewer tokens than .* may have \(60\)"),
        ({"response_format": shaped(TEXT), "stop": ["a"]}, "would cut the answer"),
        ({"logprobs": True}, "logprobs: not supported"),
        ({"tempreature": 1}, "tempreature: not a parameter"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "max_completion_tokens: given twice"),
        ({"n": 0}, "n, num_return_sequences: 0 is out of range; it can be 1 to 64"),
        ({"max_tokens": "5"}, "max_tokens, max_new_tokens: '5' is not a whole number"),
        ({"messages": []}, "messages: a list with at least one message is needed"),
        ({"messages": None}, "messages: a list with at least one message is needed"),
        ({"messages": ["hi"]}, r"messages\[0\]: an object with role and content is needed"),
        ({"messages": [{"role": "tool", "content": "x"}]}, r"messages\[0\].role: 'tool' is none of system"),
        ({"messages": [{"role": "user", "content": None}]}, r"messages\[0\].content: a text is needed"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "a text is needed"),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": [1]}]}, "tools are not supported"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        given(**fields)


@pytest.mark.parametrize("prompt", [None, [], 5, [1, 2, 3], ["a", 1]])
def test_a_prompt_that_is_no_text_is_refused(prompt: Any) -> None:
    with pytest.raises(BadConfig, match="prompt: a text is needed"):
        openai.read_body(openai.COMPLETIONS, {"prompt": prompt})


def test_public_types_read_a_response() -> None:
    best = Completion("one", "tiny", prompt_tokens=3, output_tokens=4, others=("two",))
    cut = Completion("three", "tiny", finish="limit", prompt_tokens=3, output_tokens=5)
    chat = ChatCompletion.model_validate(
        openai.response(openai.CHAT, [[best, cut]], "x7", 1_700_000_000, "tiny"), strict=True
    )
    assert [choice.message.content for choice in chat.choices] == ["one", "two", "three"]
    assert [choice.finish_reason for choice in chat.choices] == ["stop", "stop", "length"]
    assert chat.id == "chatcmpl-x7"
    assert chat.usage is not None
    assert (chat.usage.prompt_tokens, chat.usage.completion_tokens, chat.usage.total_tokens) == (3, 9, 12)
    texts = PublicCompletion.model_validate(
        openai.response(openai.COMPLETIONS, [[best], [cut]], "x7", 1_700_000_000, "tiny"), strict=True
    )
    assert [(each.index, each.text) for each in texts.choices] == [(0, "one"), (1, "two"), (2, "three")]
    assert texts.usage is not None
    assert texts.usage.prompt_tokens == 6


def test_an_error_names_the_field() -> None:
    told = openai.error("top_p: 3 is out of range")["error"]
    assert (told["param"], told["type"]) == ("top_p", "invalid_request_error")
    assert openai.error("The engine is gone.", "server_error")["error"]["param"] is None
