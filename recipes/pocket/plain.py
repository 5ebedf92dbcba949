"""Plain: customers' messages of a sentence or two, written by hand to check with, never learned from."""

from __future__ import annotations

import json
from pathlib import Path

from attune.chat import Chat, Role, Turn
from recipes.pocket.gold import Example

CHECKED = Path(__file__).parent / "plain_checked.jsonl"


def read() -> list[Example]:
    return [_example(json.loads(line)) for line in CHECKED.read_text(encoding="utf-8").splitlines()]


def _example(record: dict[str, object]) -> Example:
    text, sentiment = str(record["text"]), record["sentiment"]
    assert isinstance(sentiment, int)
    turns = (Turn(Role.CUSTOMER, text),)
    return Example(
        Chat(str(record["id"]), "0", turns, str(record["language"])), sentiment, text, hard="short"
    )
