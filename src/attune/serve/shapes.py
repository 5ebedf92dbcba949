"""The shapes of bodies in the reference: what attune.openai and attune.given read, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from attune.config import Option
from attune.generation import parameters

Schema = dict[str, Any]
_TYPES: Mapping[type[Any], str] = {int: "integer", float: "number", bool: "boolean"}
_EXACT = 2**53
"""Beyond it not every reader of JSON can tell one whole number from the next."""
_OF_OPENAI = {"max_tokens": "max_new_tokens", "n": "num_return_sequences"}
_DRAWN = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "repetition_penalty",
    "no_repeat_ngram_size",
    "stop",
)


RESPONSE_FORMAT: Schema = {
    "description": "Text, or an answer to a JSON schema of the shapes in docs/serve.md.",
    "type": ["object", "null"],
    "properties": {"type": {"enum": ["text", "json_schema"]}, "json_schema": {"type": "object"}},
    "required": ["type"],
}


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Said(BaseModel):
    role: Literal["assistant"]
    content: str
    refusal: None


class ChatChoice(BaseModel):
    index: int
    message: Said
    probabilities: dict[str, float] = {}
    logprobs: None
    finish_reason: Literal["stop", "length"]


class TextChoice(BaseModel):
    index: int
    text: str
    logprobs: None
    finish_reason: Literal["stop", "length"]


class ChatCompletion(BaseModel):
    """OpenAI's chat.completion."""

    model_config = ConfigDict(extra="forbid")
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class TextCompletion(BaseModel):
    """OpenAI's text_completion."""

    model_config = ConfigDict(extra="forbid")
    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice]
    usage: Usage


def of_parameter(option: Option) -> Schema:
    """What a parameter of generation can be; null is as if it were not given."""
    told = {"description": option.help}
    if option.kind is tuple:
        text = {"type": "string", "minLength": 1}
        return {**told, "anyOf": [text, {"type": "array", "items": text}, {"type": "null"}]}
    schema: Schema = {**told, "type": [_TYPES[option.kind], "null"]}
    if option.kind is not bool:
        assert option.low is not None
        assert option.high is not None
        schema |= {"minimum": max(option.low, -_EXACT), "maximum": min(option.high, _EXACT)}
    return schema


def of_openai(asked: Mapping[str, Schema], **others: Schema) -> Schema:
    """The body of a completion, with what is asked, the parameters by the names that OpenAI gave them, and
    what `others` may be there."""
    given = {name: of_parameter(parameters()[name]) for name in _DRAWN}
    given |= {name: of_parameter(parameters()[ours]) for name, ours in _OF_OPENAI.items()}
    usage: Schema = {
        "type": "object",
        "properties": {"include_usage": {"type": "boolean"}},
        "additionalProperties": False,
    }
    streamed: dict[str, Schema] = {
        "stream": {"type": ["boolean", "null"]},
        "stream_options": {"anyOf": [usage, {"type": "null"}]},
    }
    who: dict[str, Schema] = {"model": {"type": ["string", "null"]}, "user": {"type": ["string", "null"]}}
    return of_object({**asked, **who, **given, **streamed, **others}, list(asked))


def of_object(properties: Mapping[str, Schema], required: list[str]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }


def body(schema: Schema, **others: Schema) -> Schema:
    """A request's body as OpenAPI has it: JSON, and what else is taken by its content type."""
    kinds = {"application/json": schema, **{kind.replace("_", "/", 1): each for kind, each in others.items()}}
    return {
        "requestBody": {"required": True, "content": {kind: {"schema": each} for kind, each in kinds.items()}}
    }
