"""From a request to the sequence that answers it: tokenised, a writer for each slot."""

from __future__ import annotations

import time
from collections.abc import Iterable

from attune.decode.draw import Draw
from attune.decode.fit import fit
from attune.engines.paged.free import FreeWriter
from attune.engines.paged.pick import PickWriter
from attune.engines.paged.sequence import Known, Sequence
from attune.engines.paged.slots import ChoiceWriter, NumberWriter, Writer
from attune.engines.paged.tokens import Tokens
from attune.errors import BadRequest
from attune.prompt import render
from attune.request import Choice, Fixed, Free, Number, Pick, Request, Slot

_LEAST_PROMPT = 32


def sequence_for(request: Request, tokens: Tokens, context_tokens: int, model: str) -> Sequence:
    """The sequence that answers `request`, tokenised in the caller's thread.

    Raises BadRequest for one that cannot be answered: a slot without options, an answer that has no
    place in the context.
    """
    began = time.perf_counter()
    draw = Draw(request.sampling)
    slots = [_writer(slot, tokens, draw, request) for slot in request.slots]
    ids, dropped = prompt_for(request, tokens, context_tokens, most_tokens(slots))
    sequence = Sequence(ids, slots, model, dropped, began, request.known)
    draw.standing = sequence.whole
    return sequence


def most_tokens(slots: Iterable[Known | Writer]) -> int:
    """The most tokens an answer of `slots` may have."""
    return sum(len(slot[1]) if isinstance(slot, tuple) else slot.most for slot in slots)


def _writer(slot: Slot, tokens: Tokens, draw: Draw, request: Request) -> Known | Writer:
    match slot:
        case Fixed():
            return slot.text, tokens.encode(slot.text)
        case Choice():
            return ChoiceWriter(slot, tokens, draw)
        case Number():
            return NumberWriter(slot, tokens, draw)
        case Pick():
            return PickWriter(slot, tokens)
        case Free():
            telling = request.written if request.slots == (slot,) and not slot.json else None
            return FreeWriter(slot, tokens, draw, logprobs=request.logprobs, written=telling)


def prompt_for(
    request: Request, tokens: Tokens, context_tokens: int, answer_tokens: int
) -> tuple[list[int], int]:
    """The prompt's tokens, so few that `answer_tokens` have room after them, and how many of the chat's
    lines were left out or cut.

    Raises BadRequest where there is no room.
    """
    room = context_tokens - answer_tokens
    if room < _LEAST_PROMPT:
        raise BadRequest(
            f"The answer may be {answer_tokens} tokens long and the context is {context_tokens}: "
            "no place is left for the prompt. Lower max_tokens or raise the engine's context."
        )
    parts = render(request.prompt, tokens.style)
    ids, dropped = fit(lambda body: tokens.encode_prompt(*parts.around(body)), parts.lines, room)
    if len(ids) > room:
        what = "The messages" if request.prompt.messages else "The task's own words"
        raise BadRequest(
            f"{what} are {len(ids)} tokens and there is room for {room} beside the answer: "
            "shorten them, or raise the engine's context."
        )
    if not ids:
        raise BadRequest("The prompt is empty: a task needs a cue.")
    return ids, dropped
