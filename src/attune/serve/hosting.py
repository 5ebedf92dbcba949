"""`/ping` and `/invocations`: the contract of hosting containers, texts in and texts out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from attune.chat import clean
from attune.errors import BadConfig
from attune.generation import Generation, ask, parameters, texts
from attune.given import ALIASES, read, settle
from attune.prompt import converse
from attune.request import Completion, Message
from attune.serve import shapes
from attune.serve.completions import check_bounds, read_object
from attune.serve.leaving import Leash, unless_gone
from attune.serve.refusal import RESPONSES, Refusal
from attune.serve.service import Service, Serving

router = APIRouter(tags=["hosting"])

_INPUTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_BEAMS = ("num_beams", "early_stopping", "length_penalty")
_PARAMETERS = {
    **{name: shapes.of_parameter(each) for name, each in parameters().items() if name not in _BEAMS},
    **{name: shapes.of_parameter(parameters()[ours]) for name, ours in ALIASES.items()},
}
_BODY = shapes.body(
    shapes.of_object({"text_inputs": _INPUTS, **_PARAMETERS}, ["text_inputs"]),
    application_x_text={"type": "string"},
)


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


class Generated(BaseModel):
    """The texts of a JSON body: those of the first input, of the second, and so on."""

    generated_texts: list[str]


class GeneratedText(BaseModel):
    """The text of a body that is nothing but text."""

    generated_text: str


@router.get("/ping", responses=RESPONSES)
async def ping(service: Serving) -> Alive:
    """Says that the container is up: a hosting platform asks before it sends requests, and then again."""
    if service.traffic.draining:
        raise Refusal(503, "The service is stopping.", "draining")
    return Alive()


@router.post(
    "/invocations", response_model=Generated | GeneratedText, responses=RESPONSES, openapi_extra=_BODY
)
async def invocations(request: Request, service: Serving) -> Generated | GeneratedText:
    """Writes texts for `text_inputs`, each a message to the model, with the parameters of docs/batch.md."""
    if request.headers.get("content-type", "").startswith("application/x-text"):
        inputs, generation = [_text(await request.body())], Generation()
        check_bounds(1, generation, service)
        (text,) = await unless_gone(request, _write(inputs, generation, service))
        return GeneratedText(generated_text=text)
    body = await read_object(request)
    inputs = _inputs(body)
    generation = settle(read({name: value for name, value in body.items() if name != "text_inputs"}))
    check_bounds(len(inputs), generation, service)
    return Generated(generated_texts=await unless_gone(request, _write(inputs, generation, service)))


async def _write(inputs: list[str], generation: Generation, service: Service) -> list[str]:
    leash = Leash(service.act.engine)
    prompts = [converse([Message("user", text)]) for text in inputs]
    try:
        async with asyncio.timeout(service.bounds.timeout_s):
            futures = await asyncio.to_thread(
                lambda: [each for prompt in prompts for each in ask(leash, prompt, generation)]
            )
            done: list[Completion] = [await asyncio.wrap_future(future) for future in futures]
    finally:
        leash.give_up()
    for completion in done:
        service.metrics.answered(completion)
    return texts(done)


def _inputs(body: Mapping[str, Any]) -> list[str]:
    if "text_inputs" not in body:
        raise BadConfig("text_inputs: missing: a text, or a list of texts")
    given = body["text_inputs"]
    inputs = given if isinstance(given, list) else [given]
    if not inputs or not all(isinstance(text, str) for text in inputs):
        raise BadConfig("text_inputs: a text is needed, or a list of texts")
    return [clean(text) for text in inputs]


def _text(body: bytes) -> str:
    try:
        return clean(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadConfig(f"the body is not UTF-8: byte {error.start}") from error
