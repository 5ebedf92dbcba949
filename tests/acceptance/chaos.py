"""Input for the kill test: chats of every kind, the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

WORDS = (
    "order",
    "late",
    "refund",
    "thanks",
    "great",
    "broken",
    "again",
    "never",
    "arrived",
    "happy",
    "angry",
)
LANGUAGES = ("en", "de", "it", "ja", None)
BROKEN = (
    '{"id": 1, "user_id": 2, "te',
    '{"user_id": 2, "text": "no id"}',
    '{"id": 5, "user_id": 2, "text": ""}',
    '{"id": 5, "user_id": 2, "turns": [{"role": "boss", "text": "hi"}]}',
    "[]",
    "not JSON at all \x7f",
)


def lines(count: int, seed: int) -> list[str]:
    """`count` inputs: of a hundred, 6 cannot be read, 6 come twice, 4 have the id of another chat."""
    draw = random.Random(seed)
    made: list[str] = []
    for line in _endless(draw, made):
        made.append(line)
        if len(made) == count:
            return made
    raise AssertionError("endless")


def _endless(draw: random.Random, made: list[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        kind = draw.random()
        if kind < 0.06:
            yield f"{draw.choice(BROKEN)} {number if draw.random() < 0.7 else ''}"
        elif kind < 0.12 and made:
            yield draw.choice(made)
        elif kind < 0.16 and number > 1:
            yield json.dumps(_chat(draw, draw.randrange(1, number)))
        else:
            yield json.dumps(_chat(draw, number))


def _chat(draw: random.Random, chat_id: int) -> dict[str, Any]:
    said = " ".join(draw.choices(WORDS, k=draw.randrange(4, 40)))
    chat: dict[str, Any] = {"id": chat_id, "user_id": draw.randrange(100), "language": draw.choice(LANGUAGES)}
    if draw.random() < 0.5:
        return chat | {"text": said}
    answer = {"role": "agent", "text": "How can we help?"}
    return chat | {"turns": [{"role": "customer", "text": said}, answer, {"role": "customer", "text": "bye"}]}
