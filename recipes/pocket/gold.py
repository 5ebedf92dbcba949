"""Gold: conversations with what a careful reader says of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from attune.chat import Chat, Role, Turn

UNWRITTEN = "unwritten"
"""The kind of example that nobody wrote a summary for: the customer's words stand in its place."""


@dataclass(frozen=True, slots=True)
class Example:
    """A chat, how its customer feels at the end, its summary, and a reply where that is unhappy."""

    chat: Chat
    sentiment: int
    summary: str
    reply: str | None = None
    hard: str | None = None


def read(path: Path) -> list[Example]:
    return [example(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def example(record: dict[str, object]) -> Example:
    turns = record["turns"]
    assert isinstance(turns, list)
    said = tuple(Turn(Role(turn["role"]), turn["text"]) for turn in turns)
    chat = Chat(str(record["id"]), str(record["user_id"]), said, str(record["language"]))
    sentiment, summary, reply, hard = (record.get(key) for key in ("sentiment", "summary", "reply", "hard"))
    assert isinstance(sentiment, int)
    assert isinstance(summary, str)
    assert isinstance(reply, str | None)
    assert isinstance(hard, str | None)
    return Example(chat, sentiment, summary, reply, hard)
