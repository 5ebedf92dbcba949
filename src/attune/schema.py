"""From a JSON schema to slots: the schemas whose every answer is an object of known shape.

That is an object of properties in their order, each a choice (`enum`, `const` or boolean), a whole number
with `minimum` and `maximum`, text with `maxLength`, or such an object again. All are answered, so `required`
changes nothing, and no others are, so `additionalProperties` does not either. What else a schema may say
would be ignored, and is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attune.errors import BadConfig
from attune.request import TOKENS_PER_CHAR, Choice, Fixed, Free, Number, Pick, Slot, joined

EXCERPT = "excerpt"
"""The `format` of an enumeration of long texts, which are weighed whole: a Pick."""
_SAY_NOTHING = frozenset({"title", "description", "default", "examples", "$comment", "$schema", "$id"})
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "string": frozenset({"maxLength", "format"}),
    "integer": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
}
_MOST_CHARS = 1_000_000
_MOST_DEEP = 8


def slots_of(schema: Any) -> tuple[Slot, ...]:
    """The answer to `schema` as slots: compact JSON. Raises BadConfig, naming the place in the schema."""
    if _kind(schema, "schema") != "object":
        raise BadConfig("schema: an object is needed: type object, with properties")
    return joined(_object(schema, (), "schema", "{", "}"))


def most_tokens(slots: Iterable[Slot]) -> int:
    """The tokens that the texts of `slots` may have."""
    return sum(slot.max_tokens for slot in slots if isinstance(slot, Free))


def _object(
    schema: Mapping[str, Any], path: tuple[str, ...], where: str, begins: str, end: str
) -> list[Slot]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties or len(path) >= _MOST_DEEP:
        raise BadConfig(
            f"{where}.properties: an object with at least one is needed, {_MOST_DEEP} deep at most"
        )
    slots: list[Slot] = []
    for name, part in properties.items():
        ends = "," if name != [*properties][-1] else end
        slots.append(Fixed(f"{' ' if slots else begins}{_json(name)}:"))
        slots += _value(part, (*path, name), f"{where}.properties.{name}", ends)
    return slots


def _value(schema: Any, path: tuple[str, ...], where: str, end: str) -> list[Slot]:
    name = ".".join(path)
    match _kind(schema, where):
        case "object":
            return _object(schema, path, where, " {", "}" + end)
        case "enum":
            return _enumeration(schema, name, where, end)
        case "boolean":
            return [_choice(name, (True, False), end)]
        case "integer":
            low, high = (_whole(schema, key, where) for key in ("minimum", "maximum"))
            if low > high:
                raise BadConfig(f"{where}: minimum is above maximum")
            return [Number(name, low, high, end[0]), *([Fixed(end[1:])] if end[1:] else [])]
        case _:
            chars = _whole(schema, "maxLength", where)
            if not 1 <= chars <= _MOST_CHARS:
                raise BadConfig(f"{where}.maxLength: a number from 1 to {_MOST_CHARS:,} is needed")
            return [Fixed(' "'), Free(name, chars, int(chars * TOKENS_PER_CHAR)), Fixed(f'"{end}')]


def _enumeration(schema: Mapping[str, Any], name: str, where: str, end: str) -> list[Slot]:
    options = [schema["const"]] if "const" in schema else schema["enum"]
    if not isinstance(options, list) or not options:
        raise BadConfig(f"{where}.enum: a list with at least one value is needed")
    if not all(type(option) in (str, int, bool) for option in options):
        raise BadConfig(
            f"{where}.enum: texts, whole numbers, true and false are all that can be chosen among"
        )
    if schema.get("format") == EXCERPT and all(isinstance(option, str) and option for option in options):
        return [Fixed(' "'), Pick(name, tuple(_json(option)[1:-1] for option in options)), Fixed(f'"{end}')]
    return [_choice(name, options, end)]


def _choice(name: str, options: Sequence[Any], end: str) -> Choice:
    return Choice(name, tuple(dict.fromkeys(f" {_json(option)}{end}" for option in options)))


def _kind(schema: Any, where: str) -> str:
    """Which of the shapes we have this is: a type, or enum. Raises BadConfig for all else."""
    if not isinstance(schema, dict):
        raise BadConfig(f"{where}: a JSON schema is needed, which is an object")
    kind = "enum" if "enum" in schema or "const" in schema else schema.get("type")
    known = {"enum", "const", "format"} if kind == "enum" else _OF_TYPE.get(str(kind))
    if known is None:
        raise BadConfig(f"{where}.type: {kind!r:.60} is none of enum, {', '.join(_OF_TYPE)}")
    for key in sorted(schema.keys() - known - _SAY_NOTHING - {"type"}):
        raise BadConfig(f"{where}.{key}: not supported for {kind}")
    if schema.get("format") not in (None, EXCERPT):
        raise BadConfig(f"{where}.format: {EXCERPT} is all that is known, for an enum of texts")
    return str(kind)


def _whole(schema: Mapping[str, Any], key: str, where: str) -> int:
    value = schema.get(key)
    if type(value) is not int:
        raise BadConfig(f"{where}.{key}: a whole number is needed, so that the answer has a bound")
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
