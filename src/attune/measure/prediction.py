"""A prediction: what one run says of one id, whichever of the known forms its row has."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from attune.measure.rows import Row
from attune.outcome import Place

_IDS = ("id", "custom_id")


@dataclass(frozen=True, slots=True)
class Prediction:
    """`values` by field; `text` where the run wrote a text and no field's name; `error` where it failed."""

    id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    error: str = ""


def row_id(row: Row) -> str:
    """The id of a row as text: 7, 7.0 and "7" are one. Raises ValueError where there is none."""
    for name in _IDS:
        value = row.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    raise ValueError("no id")


def prediction(row: Row, wanted: Collection[str]) -> Prediction:
    """The prediction in `row`, of whose values only those in `wanted` are kept.

    Understood are a table (`attune results`, or any with an id), batch rows (`values`, `generated_texts`,
    `generated_text`) and OpenAI's batch output. Raises ValueError for a row without an id.
    """
    said = _text(row)
    inner = row.get("values")
    values = {**row, **inner} if isinstance(inner, dict) else dict(row)
    if said is not None and (answer := _answer(said)):
        values |= answer
    kept = {name: values[name] for name in wanted if values.get(name) is not None}
    return Prediction(row_id(row), kept, said, _error(row))


def _text(row: Row) -> str | None:
    texts = row.get("generated_texts")
    if isinstance(texts, list) and texts:
        return _string(texts[0])
    if "generated_text" in row:
        return _string(row["generated_text"])
    try:
        choice = row["response"]["body"]["choices"][0]
        return _string(choice["message"]["content"] if "message" in choice else choice["text"])
    except (KeyError, IndexError, TypeError):
        return None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _answer(text: str) -> dict[str, Any]:
    """The fields of a text that is one JSON object, as an answer to a task; {} for any other text."""
    if not text.lstrip().startswith("{"):
        return {}
    try:
        found = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _error(row: Row) -> str:
    if row.get("error"):
        return str(row["error"])[:200]
    if row.get("place") == Place.DEAD:
        return "dead letter"
    response = row.get("response")
    status = response.get("status_code", 200) if isinstance(response, dict) else 200
    return "" if status == 200 else f"status {status}"
