"""Rows as lines of JSON, and why a record has none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attune.errors import AttuneError
from attune.outcome import Reason


class Failed(AttuneError):
    """A record that ended without an answer, and why."""

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(why)
        self.reason = reason


def encoded(row: Mapping[str, Any]) -> bytes:
    """The row as a line."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
