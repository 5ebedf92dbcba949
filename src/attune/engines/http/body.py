"""What is sent: the messages, the parameters by the server's names, and what binds the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from attune.engines.http import schema
from attune.engines.http.server import Dialect
from attune.errors import BadRequest
from attune.request import TOKENS_PER_CHAR, Choice, Fixed, Free, Number, Pick, Request, Slot

CHAT, COMPLETIONS = "chat/completions", "completions"
BINDING = frozenset({"response_format", "structured_outputs", "regex", "grammar"})
OPTIONAL = BINDING | {"logprobs", "top_logprobs", "stream_options", "seed"}
"""What a server may refuse and is then asked without: the parser judges an answer that nothing binds."""
_ROLES = {"system": "system", "user": "user", "model": "assistant"}
_TOP = 10
"""So many of the likeliest tokens are told for each: options of a choice are few."""
_DIGITS = 20
_CONTROL = re.compile(
    r"(?:<(?=[|｜][^<>\s]{1,40}>|[^<>\s]{1,40}[|｜]>|(?:start|end|begin)_of_\w+>|/?s>"
    r"|(?:bos|eos|pad|unk|mask|sep|cls|unused\d+|extra_id_\d+)>)|\[(?=/?(?:INST|SYS|TOOL_CALLS)\]))",
    re.IGNORECASE,
)


def plain(request: Request) -> Free | None:
    """The slot of an answer that is nothing but text."""
    match request.slots:
        case (Free(json=False) as free,):
            return free
    return None


def defused(text: str) -> str:
    """Somebody's words, a space in all that looks like a model's control token: most servers put the words
    into their template first and look for control tokens afterwards."""
    return _CONTROL.sub(r"\g<0> ", text)


def path(request: Request) -> str:
    """The page that answers `request`, below the server's address."""
    return COMPLETIONS if request.prompt.bare else CHAT


def body(
    request: Request, lines: tuple[str, ...], model: str, dialect: Dialect, without: Collection[str] = ()
) -> dict[str, Any]:
    """The JSON to send, the chat as `lines`; none of what is `without`.

    Raises BadRequest for what no server can do.
    """
    free = plain(request)
    stop = request.sampling.stop
    if free is None and stop:
        raise BadRequest("stop: it would end a JSON answer in its middle; leave it out.")
    streamed = (
        request.known is not None and bool(schema.choices(request.slots))
    ) or request.written is not None
    told: dict[str, Any] = {
        "model": model,
        **_said(request, lines, str if dialect.ours else defused),
        **_sampling(request, dialect),
        "max_tokens": free.max_tokens if free else sum(map(_most_tokens, request.slots)),
    }
    if stop:
        told["stop"] = list(stop)
    if streamed:
        told |= {"stream": True, "stream_options": {"include_usage": True}}
    if free is None:
        told |= _bound(request.slots, dialect)
    if not request.prompt.bare and (request.logprobs or (schema.choices(request.slots) and not dialect.ours)):
        told |= {"logprobs": True, "top_logprobs": _TOP}
    return {name: value for name, value in told.items() if name not in without}


def _said(request: Request, lines: tuple[str, ...], safe: Callable[[str], str]) -> dict[str, Any]:
    prompt = request.prompt
    if prompt.bare:
        return {"prompt": "".join(safe(message.text) for message in prompt.messages)}
    if prompt.messages:
        said = [{"role": _ROLES[message.role], "content": safe(message.text)} for message in prompt.messages]
        return {"messages": said}
    # One message, as local engines put it and tuning shows it; and some templates know no system.
    parts = (prompt.preamble, "\n".join(map(safe, lines)), prompt.cue)
    return {"messages": [{"role": "user", "content": "\n\n".join(part for part in parts if part)}]}


def _sampling(request: Request, dialect: Dialect) -> dict[str, Any]:
    """All settings the server has, also those that say nothing: its own defaults may say something."""
    sampling = request.sampling
    told: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.temperature and sampling.seed is not None:
        told["seed"] = sampling.seed % 2**31
    for ours, theirs in dialect.names.items():
        told[theirs] = getattr(sampling, ours)
    if "top_k" in dialect.names and not sampling.top_k:
        told[dialect.names["top_k"]] = dialect.every_k
    return told | dict(dialect.also)


def _bound(slots: tuple[Slot, ...], dialect: Dialect) -> dict[str, Any]:
    match dialect.binds:
        case "response_format":
            shape = {"name": "answer", "schema": schema.json_schema(slots, formats=dialect.ours)}
            return {"response_format": {"type": "json_schema", "json_schema": shape}}
        case "structured_outputs":
            return {"structured_outputs": {"regex": schema.regex(slots)}}
        case "regex":
            return {"regex": schema.regex(slots)}
        case "grammar":
            return {"grammar": schema.gbnf(slots)}


def _most_tokens(slot: Slot) -> int:
    match slot:
        case Fixed():
            return int(len(slot.text) * TOKENS_PER_CHAR)
        case Choice() | Pick():
            return int(max(map(len, slot.options)) * TOKENS_PER_CHAR)
        case Number():
            return _DIGITS
        case Free():
            return slot.max_tokens
