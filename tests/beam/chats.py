"""Chats with every kind of trouble, and what became of them in a store, without what differs by the clock."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from attune.store import Store

ENGINE = "scripted:unreadable=0.02&second_try=0.05&fail=0.02"
_WORDS = (
    "the",
    "soup",
    "was",
    "cold",
    "and",
    "nobody",
    "came",
    "thank you",
    "it is fine",
    "order 48213",
    "late",
)


def lines(most: int) -> list[bytes]:
    """`most` inputs: chats, repeated ones, ids used twice, and damage of several kinds."""
    draw = random.Random(5)
    made: list[bytes] = []
    for number in range(most):
        kind = draw.random()
        said = " ".join(draw.choices(_WORDS, k=draw.randint(3, 30)))
        if kind < 0.04 and made:
            made.append(draw.choice(made))
        elif kind < 0.06:
            made.append(_chat(draw.randrange(number + 1), f"other words: {said}"))
        elif kind < 0.08:
            made.append(draw.choice((b"{", b"\xff\xfe", b'{"id": %d}' % number, b"[]", b'"%d"' % number)))
        else:
            made.append(_chat(number, said))
    return made


def write(path: Path, most: int) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines(most)))
    return path


def _chat(number: int, said: str) -> bytes:
    turns = [{"role": "customer", "text": said}, {"role": "agent", "text": "Sorry to hear that."}]
    return json.dumps({"id": number, "user_id": number % 97, "turns": turns, "language": "en"}).encode()


def ends(address: str) -> dict[str, list[Any]]:
    """All that a store holds of outcomes, reviews and dead letters, but for times."""
    clock = ("created_at", "first_slot_s", "total_s")
    with Store.open(address) as store:
        outcomes = [_without(row, clock) for row in store.outcomes()]
        letters = [store.dead_letter(letter.key) for letter in store.dead()]
        reviews = [store.review(row["key"]) for row in outcomes if row["place"] == "review"]
        found = {
            "outcomes": outcomes,
            "dead": [_without(letter, (*clock, "attempts")) for letter in letters],
            "reviews": [_without(review, clock) for review in reviews],
        }
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def _without(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    fields = type(row).__dataclass_fields__
    return {name: getattr(row, name) for name in fields if name not in names}
