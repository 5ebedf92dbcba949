"""Plain: customers' messages of a sentence or two, by hand: some to learn from, others to check with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from attune.chat import Chat, Role, Turn
from recipes.pocket.gold import UNWRITTEN, Example

_HERE = Path(__file__).parent
LEARNED = sorted((_HERE / "said").glob("*.jsonl"))
"""A file a language."""
CHECKED = [_HERE / "plain_checked.jsonl"]


def read(paths: Iterable[Path]) -> list[Example]:
    """The messages as chats in which nobody answers; their own words are their summary."""
    return [
        _example(json.loads(line)) for path in paths for line in path.read_text(encoding="utf-8").splitlines()
    ]


def _example(record: dict[str, object]) -> Example:
    text, sentiment = str(record["text"]), record["sentiment"]
    assert isinstance(sentiment, int)
    chat = Chat(str(record["id"]), "0", (Turn(Role.CUSTOMER, text),), str(record["language"]))
    return Example(chat, sentiment, text, hard=UNWRITTEN)
