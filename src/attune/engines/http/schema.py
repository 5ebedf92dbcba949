"""What binds an answer to its slots: a JSON schema, an expression or a grammar; and where its choices are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from attune.decode.bound import json_text
from attune.errors import BadRequest
from attune.request import Choice, Fixed, Free, Number, Pick, Slot, literal

_MARK = "\ue000"
_MOST_LISTED = 200
"""A range of more numbers is told by the count of its digits; the parser knows better."""
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_STRING = r'(?:[^"\\]|\\.)*'
_SPACE = r"\s*"


def json_schema(slots: tuple[Slot, ...], formats: bool = False) -> dict[str, Any]:
    """The schema of the JSON object that `slots` make, its properties in their order.

    With `formats` it is for attune's own service: it says which texts are excerpts (the options of a Pick),
    and not that texts have a letter. Raises BadRequest for slots that make none.
    """
    text = "".join(_marked(number, slot) for number, slot in enumerate(slots))
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise BadRequest(
            f"These slots make no JSON, which is all a server can be bound to: {error}"
        ) from error
    return _node(answer, slots, formats)


def _marked(number: int, slot: Slot) -> str:
    match slot:
        case Fixed():
            return slot.text
        case Choice():
            option = slot.options[0]
            return option.replace(literal(option), f'"{_MARK}{number}"', 1)
        case Number():
            return f'"{_MARK}{number}"{slot.end}'
        case Pick() | Free():
            return f"{_MARK}{number}"


def _node(node: Any, slots: tuple[Slot, ...], formats: bool) -> dict[str, Any]:
    if isinstance(node, dict):
        return {
            "type": "object",
            "properties": {name: _node(value, slots, formats) for name, value in node.items()},
            "required": list(node),
            "additionalProperties": False,
        }
    if not isinstance(node, str) or not node.startswith(_MARK):
        return {"enum": [node]}
    match slots[int(node[1:])]:
        case Choice(options=options):
            return _choice([json.loads(literal(option)) for option in options])
        case Number(low=low, high=high):
            return {"type": "integer", "minimum": low, "maximum": high}
        case Pick(options=options):
            texts = [json.loads(f'"{option}"') for option in dict.fromkeys(options)]
            return {"type": "string", "enum": texts} | ({"format": "excerpt"} if formats else {})
        case Free(max_chars=max_chars):
            return {"type": "string", "maxLength": max_chars} | ({} if formats else {"minLength": 1})
        case Fixed():
            raise AssertionError


def _choice(values: list[Any]) -> dict[str, Any]:
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return {"type": "boolean"}
    told = {frozenset({int}): {"type": "integer"}, frozenset({str}): {"type": "string"}}
    return told.get(frozenset(kinds), {}) | {"enum": values}


def regex(slots: tuple[Slot, ...]) -> str:
    """All texts that `slots` can become, and no others: compact, so there is no white space to loop in."""
    return "".join(_exact(slot, _escaped) for slot in slots)


def gbnf(slots: tuple[Slot, ...]) -> str:
    """The same as a grammar of llama.cpp's."""
    return "root ::= " + " ".join(_exact(slot, _quoted) for slot in slots)


def _exact(slot: Slot, said: Callable[[str], str]) -> str:
    """What `slot` can become; `said` writes a text that is to be there as it is."""
    match slot:
        case Fixed():
            return said(slot.text)
        case Choice() | Pick():
            return f"({'|'.join(map(said, slot.options))})"
        case Number():
            return f"({'|'.join(map(said, _numbers(slot)))})" if _few(slot) else _digits(slot, said)
        case Free():
            return json_text(slot.max_chars)


def _few(slot: Number) -> bool:
    return slot.high - slot.low < _MOST_LISTED


def _numbers(slot: Number) -> list[str]:
    return [f" {number}{slot.end}" for number in range(slot.low, slot.high + 1)]


def _digits(slot: Number, said: Callable[[str], str]) -> str:
    sign = f"{said(' ')}({said('-')})?" if slot.low < 0 else said(" ")
    more = len(str(max(abs(slot.low), abs(slot.high)))) - 1
    return f"{sign}({said('0')}|[1-9][0-9]{{0,{more}}}){said(slot.end)}"


def choices(slots: tuple[Slot, ...]) -> list[Choice]:
    return [slot for slot in slots if isinstance(slot, Choice)]


def span(slots: tuple[Slot, ...], choice: Choice, text: str) -> tuple[int, int] | None:
    """Where in `text` the value of `choice` stands, once it and what ends it are there.

    `text` may be the beginning of an answer, may have words before its object, and white space in it.
    """
    start = text.find("{")
    found = _until(slots[: slots.index(choice) + 1]).match(text, start) if start >= 0 else None
    return found.span(found.lastindex or 0) if found else None


@lru_cache(maxsize=64)
def _until(slots: tuple[Slot, ...]) -> re.Pattern[str]:
    """The beginning of an answer up to the choice that is its last slot, whose value is the last group."""
    *before, last = slots
    assert isinstance(last, Choice)
    values = "|".join(_escaped(literal(option)) for option in last.options)
    ends = "|".join({_loose(option.strip()[len(literal(option)) :]) for option in last.options})
    pattern = "".join(map(_either, before)) + rf"\s*({values})(?:{ends})"
    # Two neighbouring runs of white space would be tried in every division.
    return re.compile(re.sub(r"(?:\\s\*)+", lambda _: _SPACE, pattern))


def _either(slot: Slot) -> str:
    match slot:
        case Fixed():
            return _loose(slot.text)
        case Choice():
            return "(?:" + "|".join(map(_loose, slot.options)) + ")"
        case Number():
            return r"\s*-?\d+" + _loose(slot.end)
        case Pick() | Free():
            return _STRING


def _loose(text: str) -> str:
    """`text` with any white space around its punctuation."""
    parts = re.split(r"\s*([{}:,])\s*", text.strip())
    return _SPACE + "".join(
        f"{_SPACE}{_escaped(part)}{_SPACE}" if index % 2 else _escaped(part)
        for index, part in enumerate(parts)
    )


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _quoted(text: str) -> str:
    return f" {json.dumps(text, ensure_ascii=False)} "
