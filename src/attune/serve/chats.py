"""`/v1/chats`: one chat or a list of them, and what became of each."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from attune.engines import Engine
from attune.handle import Act
from attune.outcome import Outcome, Place, Reason
from attune.serve.intake import Ended
from attune.serve.leaving import Leash, unless_gone
from attune.serve.refusal import RESPONSES, Refusal
from attune.serve.service import Service, Serving
from attune.store import StoredOutcome

router = APIRouter(tags=["chats"])

_CHAT = {
    "type": "object",
    "description": "A chat in any of the forms of docs/chats.md; one that is not ends as a dead letter.",
    "examples": [{"id": 1, "user_id": 7, "text": "The parcel came, and the lamp in it is broken."}],
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [_CHAT, {"type": "array", "items": {}}]}},
        },
    }
}


class ChatOutcome(BaseModel):
    """Where one chat ended. The words are those of docs/guarantees.md."""

    id: str = Field(description="The chat's id, or a hash of what came where it has none.")
    place: Place
    task: str
    task_version: str
    values: Mapping[str, Any] = Field(description="The verdict: a value for each field of the task.")
    confidence: Mapping[str, float]
    flags: Sequence[str]
    draft: str | None = Field(description="The reply that a person may approve, of a review item.")
    reason: Reason | None = Field(description="Why it is a dead letter.")
    detail: str
    model: str
    arm: str = Field(description="The arm that handled it: docs/arms.md.")
    prompt_tokens: int
    output_tokens: int
    total_s: float
    stored: bool = Field(description="Whether the outcome stands in the store.")
    repeated: bool = Field(description="It came before, and this is what became of it then.")


@router.post(
    "/v1/chats", response_model=ChatOutcome | list[ChatOutcome], responses=RESPONSES, openapi_extra=_BODY
)
async def chats(
    request: Request,
    service: Serving,
    store: Annotated[
        bool, Query(description="false answers and keeps nothing: neither the chat nor its outcome.")
    ] = True,
) -> ChatOutcome | list[ChatOutcome]:
    """Handles a chat, or each of a list, as every other way in does: a verdict for a happy or neutral one,
    a drafted reply besides for an unhappy one, a dead letter for what cannot be read.

    The answer to a list is a list in the same order. A bad chat is its own outcome's dead letter and never
    the list's. The outcome is durable when the answer comes; the same chat again is answered from the store.
    """
    said = _said(await request.body(), service.bounds.max_list)
    raws = said if isinstance(said, list) else [said]
    answer = _stored(service, raws) if store else _only(service, raws)
    outcomes = await unless_gone(request, answer)
    return outcomes if isinstance(said, list) else outcomes[0]


async def _stored(service: Service, raws: list[bytes]) -> list[ChatOutcome]:
    """What is in the store goes on when the client is gone: it is an input like any other."""
    futures = await asyncio.to_thread(service.intake.take, raws)
    waiting = [asyncio.shield(asyncio.wrap_future(future)) for future in futures]
    return [_told(ended) for ended in await asyncio.gather(*waiting)]


async def _only(service: Service, raws: list[bytes]) -> list[ChatOutcome]:
    leashes, gone = list[Leash](), threading.Event()

    def leashed(engine: Engine) -> Leash:
        leashes.append(leash := Leash(engine))
        if gone.is_set():  # before this chat's turn came
            leash.give_up()
        return leash

    def held(act: Act) -> Act:
        drafter = act.drafter and leashed(act.drafter)
        return replace(act, engine=leashed(act.engine), drafter=drafter)

    try:
        futures = [service.intake.judge_only(raw, held) for raw in raws]
        outcomes = await asyncio.gather(*map(asyncio.wrap_future, futures))
    finally:
        gone.set()
        for leash in leashes:
            leash.give_up()
    ended = [Ended(each, each.draft, each.reason, each.detail) for each in outcomes]
    return [_told(each, stored=False) for each in ended]


def _said(body: bytes, most: int) -> bytes | list[bytes]:
    """The chat in `body` as it came, or each of a list of them as JSON."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"The body is not JSON: {error}", "not_json") from error
    if isinstance(said, dict):
        return body
    if not isinstance(said, list):
        raise Refusal(400, "The body must be a chat, a JSON object, or a list of them.", "not_a_chat")
    if len(said) > most:
        raise Refusal(413, f"{len(said):,} chats in one list; at most {most:,} (max_list)", "list_too_long")
    return [json.dumps(each).encode() for each in said]


def _told(ended: Ended, stored: bool = True) -> ChatOutcome:
    outcome: Outcome | StoredOutcome = ended.outcome
    shared = {name: getattr(outcome, name) for name in ChatOutcome.model_fields if hasattr(outcome, name)}
    own = {"draft": ended.draft, "reason": ended.reason, "detail": ended.detail, "repeated": ended.repeated}
    return ChatOutcome(**{**shared, **own, "id": outcome.key, "stored": stored})
