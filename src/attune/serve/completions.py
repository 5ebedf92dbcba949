"""`/v1/chat/completions` and `/v1/completions`: texts in OpenAI's shape, whole or as they are written."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from attune import openai
from attune.engines import Engine
from attune.errors import AttuneError, BadConfig
from attune.generation import Generation, ask, lacking
from attune.given import lay, settle
from attune.request import Completion, Prompt, Slot
from attune.serve import shapes
from attune.serve.leaving import Leash, unless_gone
from attune.serve.refusal import RESPONSES, Refusal, refusal_of
from attune.serve.service import Service, Serving
from attune.serve.streaming import Written, event, written

router = APIRouter(tags=["OpenAI"])

_PART = shapes.of_object({"type": {"const": "text"}, "text": {"type": "string"}}, ["type", "text"])
_MESSAGE = shapes.of_object(
    {
        "role": {"enum": ["system", "developer", "user", "assistant"]},
        "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": _PART}]},
    },
    ["role", "content"],
)
_MESSAGES = {"type": "array", "items": _MESSAGE, "minItems": 1}
_TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_CHAT_BODY = shapes.body(shapes.of_openai({"messages": _MESSAGES}, response_format=shapes.RESPONSE_FORMAT))
_TEXT_BODY = shapes.body(shapes.of_openai({"prompt": {"anyOf": [{"type": "string"}, _TEXTS]}}))
_STREAM: dict[str, Any] = {"text/event-stream": {}}


@dataclass(frozen=True, slots=True)
class Asked:
    """A body that was read: what is to be written, and how it is to be told."""

    url: str
    prompts: tuple[Prompt, ...]
    generation: Generation
    slots: tuple[Slot, ...]
    name: str
    created: int
    usage: bool

    @property
    def texts(self) -> int:
        return len(self.prompts) * self.generation.num_return_sequences


@router.post(
    openai.CHAT,
    responses={200: {"model": shapes.ChatCompletion, "content": _STREAM}, **RESPONSES},
    openapi_extra=_CHAT_BODY,
)
async def chat_completions(request: Request, service: Serving) -> Response:
    """Writes the next message of a conversation, as OpenAI's API does. What is refused there by this engine
    is refused in words, and never ignored. Without a seed each call draws anew."""
    return await _complete(openai.CHAT, request, service)


@router.post(
    openai.COMPLETIONS,
    responses={200: {"model": shapes.TextCompletion, "content": _STREAM}, **RESPONSES},
    openapi_extra=_TEXT_BODY,
)
async def completions(request: Request, service: Serving) -> Response:
    """Goes on with a text, or each of a list of texts, as OpenAI's API does: no turns are put around it."""
    return await _complete(openai.COMPLETIONS, request, service)


async def _complete(url: str, request: Request, service: Service) -> Response:
    body = await read_object(request)
    asked = _asked(url, body, service)
    if body.get("stream"):
        return await _streamed(asked, service)
    answers = await unless_gone(request, _whole(asked, service))
    model = service.act.engine.model
    return JSONResponse(openai.response(url, answers, asked.name, asked.created, model))


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body of `request`."""
    try:
        body = json.loads(await request.body(), parse_float=_number, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"The body is not JSON: {error}", "not_json") from error
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be a JSON object.", "not_an_object")
    return body


def _number(text: str) -> float:
    """JSON has one kind of number: 5.0 is 5."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _asked(url: str, body: Mapping[str, Any], service: Service) -> Asked:
    """What `body` asks for. Raises BadConfig or Refusal where that cannot be had."""
    engine = service.act.engine
    _check(body, engine)
    read = openai.read_body(url, body)
    generation = settle(lay(openai.DEFAULTS, read.given))
    usage = bool((body.get("stream_options") or {}).get("include_usage"))
    asked = Asked(url, read.prompts, generation, read.slots, secrets.token_hex(12), int(time.time()), usage)
    check_bounds(len(read.prompts), generation, service)
    if body.get("stream") and not generation.drawn:
        raise BadConfig("stream: the texts of a beam search are known at its end; leave stream or beams out")
    return asked


def check_bounds(prompts: int, generation: Generation, service: Service) -> None:
    """Raises BadConfig where the engine lacks what is asked for, or one request asks for too much."""
    if lacks := lacking(generation, service.act.engine):
        raise BadConfig(lacks)
    if prompts > (most := service.bounds.max_list):
        raise BadConfig(f"prompt: {prompts} texts in one request; at most {most} (max_list)")
    tokens = prompts * generation.num_return_sequences * generation.max_new_tokens
    if tokens > (most := service.bounds.max_request_tokens):
        raise BadConfig(
            f"max_tokens: {tokens:,} in all texts of the request; at most {most:,} (max_request_tokens)"
        )


def _check(body: Mapping[str, Any], engine: Engine) -> None:
    model, stream, options = body.get("model"), body.get("stream"), body.get("stream_options")
    if model is not None and model != engine.model:
        why = f"model: {model!r:.80} is not here; there is {engine.model}"
        raise Refusal(404 if isinstance(model, str) else 400, why, "model_not_found")
    if not isinstance(stream, bool | None):
        raise BadConfig("stream: true or false is needed")
    known = options is None or (isinstance(options, dict) and set(options) <= {"include_usage"})
    if not known or not isinstance((options or {}).get("include_usage", False), bool):
        raise BadConfig('stream_options: {"include_usage": true} is all that is known')
    if not isinstance(body.get("user"), str | None):
        raise BadConfig("user: a text is needed")


async def _whole(asked: Asked, service: Service) -> list[list[Completion]]:
    leash = Leash(service.act.engine)
    try:
        async with asyncio.timeout(service.bounds.timeout_s):
            futures = await asyncio.to_thread(
                lambda: [ask(leash, prompt, asked.generation, asked.slots) for prompt in asked.prompts]
            )
            return [[await _result(each, service) for each in some] for some in futures]
    finally:
        leash.give_up()


async def _result(future: Any, service: Service) -> Completion:
    completion: Completion = await asyncio.wrap_future(future)
    service.metrics.answered(completion)
    return completion


async def _streamed(asked: Asked, service: Service) -> Response:
    """The answer as events. It begins when the engine has begun to write: what it refuses is an error."""
    asking = (asked.prompts, asked.generation, asked.slots)
    pieces = written(service.act.engine, *asking, service.bounds.timeout_s)
    first = await anext(pieces)
    return StreamingResponse(_events(asked, service, first, pieces), media_type="text/event-stream")


async def _events(
    asked: Asked, service: Service, first: Written, rest: AsyncGenerator[Written]
) -> AsyncIterator[bytes]:
    ended: dict[int, Completion] = {}
    try:
        if asked.url == openai.CHAT:
            for index in range(asked.texts):
                yield event(_chunk(asked, service, index, {"role": "assistant", "content": ""}))
        yield event(_said(asked, service, first, ended))
        async for each in rest:
            yield event(_said(asked, service, each, ended))
        if asked.usage:
            n = asked.generation.num_return_sequences
            answers = [[ended[at + i] for i in range(n)] for at in range(0, asked.texts, n)]
            yield event({**_frame(asked, service), "choices": [], "usage": openai.usage(answers)})
        yield b"data: [DONE]\n\n"
    except (AttuneError, TimeoutError) as error:
        refusal = refusal_of(error)
        yield event(openai.error(str(refusal.detail), "server_error", refusal.code))
    finally:
        await rest.aclose()


def _said(asked: Asked, service: Service, each: Written, ended: dict[int, Completion]) -> dict[str, Any]:
    if isinstance(each.said, str):
        delta = {"content": each.said} if asked.url == openai.CHAT else {"text": each.said}
        return _chunk(asked, service, each.index, delta)
    ended[each.index] = each.said
    service.metrics.answered(each.said)
    end: dict[str, Any] = {} if asked.url == openai.CHAT else {"text": ""}
    return _chunk(asked, service, each.index, end, each.said)


def _chunk(
    asked: Asked, service: Service, index: int, said: Mapping[str, Any], end: Completion | None = None
) -> dict[str, Any]:
    own = {"delta": said} if asked.url == openai.CHAT else said
    choice = {"index": index, **own, "logprobs": None, "finish_reason": end and openai.finish_reason(end)}
    choice |= openai.sureness(end) if end else {}
    return {**_frame(asked, service), "choices": [choice]}


def _frame(asked: Asked, service: Service) -> dict[str, Any]:
    chat = asked.url == openai.CHAT
    return {
        "id": f"{'chatcmpl' if chat else 'cmpl'}-{asked.name}",
        "object": "chat.completion.chunk" if chat else "text_completion",
        "created": asked.created,
        "model": service.act.engine.model,
    }
