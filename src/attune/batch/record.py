"""Records: one line of a batch's input, of one of three kinds, told by its keys."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from attune.batch.prompts import TEXT
from attune.errors import BadConfig

FAILED = "failed_input"
"""The key of an errors file that holds the line as it was: such a row is read as that line."""
FAILED_BYTES = "failed_input_base64"
"""The same for a line that is no UTF-8."""


class Kind(StrEnum):
    """What a job's records are: all of one kind, that of the first which can be read."""

    TEXT = "text"
    CHAT = "chat"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the input: its number among all the job's lines, from 1, its bytes and where it stands."""

    number: int
    raw: bytes
    ref: str


def original(raw: bytes) -> bytes:
    """`raw` itself, or the line that `raw`, a row of an errors file, holds."""
    if FAILED.encode() not in raw:
        return raw
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    if isinstance(row, dict) and isinstance(row.get(FAILED), str):
        return str(row[FAILED]).encode()
    if isinstance(row, dict) and isinstance(row.get(FAILED_BYTES), str):
        return base64.b64decode(row[FAILED_BYTES])
    return raw


def kept(raw: bytes) -> dict[str, str]:
    """The line as an errors file keeps it."""
    try:
        return {FAILED: raw.decode()}
    except UnicodeDecodeError:
        return {FAILED_BYTES: base64.b64encode(raw).decode()}


def load(raw: bytes, max_bytes: int) -> dict[str, Any]:
    """The JSON object in `raw`. Raises BadConfig for anything else."""
    if len(raw) > max_bytes:
        raise BadConfig(f"input: {len(raw):,} bytes or more; at most {max_bytes:,} are read (max_chat_bytes)")
    try:
        record = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadConfig(f"input: not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}") from error
    except (ValueError, RecursionError) as error:
        raise BadConfig(f"input: not JSON: {error}") from error
    if not isinstance(record, dict):
        raise BadConfig("input: a JSON object is needed, a record a line")
    return record


def kind_of(record: dict[str, Any], keys: frozenset[str] = frozenset({TEXT})) -> Kind | None:
    """The kind that a record's keys tell, where a text has the `keys` of the job's prompt; None for none."""
    if "custom_id" in record or "body" in record:
        return Kind.OPENAI
    if TEXT in record or keys <= record.keys():
        return Kind.TEXT
    if {"turns", "chat_message", "text"} & record.keys():
        return Kind.CHAT
    return None
