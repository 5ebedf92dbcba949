"""A JSON schema becomes slots, or is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from attune.errors import BadConfig
from attune.request import Choice, Fixed, Free, Number, Pick
from attune.schema import most_tokens, slots_of


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_each_shape_has_its_slot_and_known_text_stands_between() -> None:
    schema = of(
        feels={"enum": ["good", "bad"], "description": "at the end"},
        stars={"type": "integer", "minimum": 1, "maximum": 5},
        quote={"type": "string", "enum": ["a", 'b "c"'], "format": "excerpt"},
        topics=of(late={"type": "boolean"}, count={"type": "integer", "minimum": 0, "maximum": 9}),
        kind={"const": 'x"y'},
        note={"type": "string", "maxLength": 40},
    )
    assert slots_of({**schema, "required": ["feels"], "additionalProperties": False, "title": "T"}) == (
        Fixed('{"feels":'),
        Choice("feels", (' "good",', ' "bad",')),
        Fixed(' "stars":'),
        Number("stars", 1, 5, ","),
        Fixed(' "quote": "'),
        Pick("quote", ("a", 'b \\"c\\"')),
        Fixed('", "topics": {"late":'),
        Choice("topics.late", (" true,", " false,")),
        Fixed(' "count":'),
        Number("topics.count", 0, 9, "}"),
        Fixed(', "kind":'),
        Choice("kind", (' "x\\"y",',)),
        Fixed(' "note": "'),
        Free("note", 40, 60),
        Fixed('"}'),
    )
    assert most_tokens(slots_of(schema)) == 60


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (5, "schema: a JSON schema is needed"),
        ({"type": "array"}, "schema.type: 'array' is none of enum, object, string"),
        ({"type": "string", "maxLength": 4}, "schema: an object is needed"),
        (of(), "schema.properties: an object with at least one"),
        (of(a={"type": "string"}), "schema.properties.a.maxLength: a whole number is needed"),
        (of(a={"type": "string", "maxLength": 4, "pattern": "x"}), "a.pattern: not supported for string"),
        (of(a={"type": "string", "maxLength": 4, "format": "date"}), "a.format: excerpt is all"),
        (of(a={"type": "string", "maxLength": 0}), "a.maxLength: a number from 1 to"),
        (of(a={"type": "integer", "minimum": 1}), "a.maximum: a whole number"),
        (of(a={"type": "integer", "minimum": 2, "maximum": 1}), "a: minimum is above maximum"),
        (of(a={"enum": []}), "a.enum: a list with at least one"),
        (of(a={"enum": [1.5]}), "a.enum: texts, whole numbers"),
        (of(a={"anyOf": [{"type": "null"}]}), "a.type: None is none of"),
        (
            {**of(a={"enum": [1]}), "patternProperties": {}},
            "schema.patternProperties: not supported for object",
        ),
    ],
)
def test_what_cannot_be_promised_is_refused_at_its_place(schema: Any, told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        slots_of(schema)


def test_objects_in_objects_have_an_end() -> None:
    schema: dict[str, Any] = {"enum": [1]}
    for _ in range(5000):
        schema = of(a=schema)
    with pytest.raises(BadConfig, match="8 deep at most"):
        slots_of(schema)
