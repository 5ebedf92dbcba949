"""Text and JSON as every database takes them: no NUL, no half of a surrogate pair, no NaN."""

from __future__ import annotations

import json
import math
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from attune.chat import UNSTORABLE, clean

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class CleanText(TypeDecorator[str]):
    """A text column that can be given anything a model, a file name or a customer wrote."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None or (value.isascii() and "\x00" not in value) else clean(value)


def dumps(value: Any) -> str:
    """`value` as JSON that PostgreSQL reads too; NaN and infinity become null."""
    try:
        text = _json(value)
    except ValueError:
        return _json(_plain(value))
    # A NUL is escaped by now. A backslash before "u0000" may also be a text's own: _plain tells them apart.
    return _json(_plain(value)) if "\\u0000" in text or UNSTORABLE.search(text) else text


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {clean(str(name)): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
