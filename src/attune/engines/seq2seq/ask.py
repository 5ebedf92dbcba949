"""The words that a T5 is given for one slot: the chat, and one question about it."""

from __future__ import annotations

import json

from attune.decode.fit import fit
from attune.engines.seq2seq.tokens import Tokens
from attune.errors import BadRequest
from attune.request import Ask, Choice, Request, Slot, literal

_SPOKEN = {True: "yes", False: "no"}


def labels(slot: Choice, ask: Ask | None) -> list[str]:
    """What the model is given to choose among, in the order of the slot's options."""
    if ask is not None and ask.labels:
        return list(ask.labels)
    values = (json.loads(literal(option)) for option in slot.options)
    return [_SPOKEN[value] if isinstance(value, bool) else str(value) for value in values]


def ask_of(request: Request, slot: Slot) -> Ask | None:
    """How the task words the question of `slot`. One part of a field ("topics.delivery") names that part."""
    name = getattr(slot, "name", "")
    field, _, part = name.partition(".")
    ask = request.asks.get(name) or request.asks.get(field)
    return Ask(f"{ask.question} {part}?") if ask and part else ask


def source(request: Request, slot: Slot, tokens: Tokens, room: int) -> tuple[list[int], int]:
    """The tokens of the question of `slot`, at most `room`, and how many of the chat's lines are left out."""
    before, after = _around(request, slot)

    def encode(body: str) -> list[int]:
        return [*tokens.encode("\n\n".join(part for part in (*before, body, after) if part)), tokens.end]

    ids, dropped = fit(encode, request.prompt.lines, room)
    if len(ids) > room:
        what = "The messages" if request.prompt.messages else "The question's own words"
        raise BadRequest(
            f"{what} are {len(ids)} tokens and the context is {room}: shorten them, or raise the "
            "context where the engine can (ctranslate2:FOLDER?context_tokens=N)."
        )
    return ids, dropped


def _around(request: Request, slot: Slot) -> tuple[list[str], str]:
    """What stands before the chat, and after it."""
    prompt, ask = request.prompt, ask_of(request, slot)
    if prompt.messages:
        return [message.text.strip() for message in prompt.messages], ""
    if ask is None and request.slots == (slot,):
        return [prompt.preamble], prompt.cue
    question = ask.question if ask else f"{prompt.cue} {getattr(slot, 'name', '')}"
    if isinstance(slot, Choice):
        question += "\n\nOPTIONS:\n" + "\n".join(f"- {label}" for label in labels(slot, ask))
    return [], question
