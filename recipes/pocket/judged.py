"""Judged: fifty of a model's replies, drawn by chance, as a person found them by the rubric in rubric.md."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from pathlib import Path

from recipes.pocket.asked import Asked

JUDGEMENTS = Path(__file__).parent / "judgements.jsonl"
CRITERIA = ("problem", "true", "tone", "next", "form")
_DRAWN = 50


def drawn(said: list[Asked]) -> list[Asked]:
    """The fifty chats whose replies are judged, always the same ones."""
    drafted = sorted((each for each in said if each.example.reply), key=lambda each: each.example.chat.id)
    return random.Random(0).sample(drafted, min(_DRAWN, len(drafted)))


def write(said: list[Asked], path: Path) -> None:
    """The fifty with their chats, to be read and judged."""
    with path.open("w", encoding="utf-8") as file:
        for each in drawn(said):
            chat = each.example.chat
            record = {"id": chat.id, "digest": digest(each.reply), "chat": chat.text, "reply": each.reply}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def answers(said: list[Asked], path: Path = JUDGEMENTS) -> list[dict[str, bool]]:
    """What was answered to each criterion, of those replies that read as they did when they were judged."""
    given = {digest(each.reply) for each in drawn(said)}
    judged = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [record["answers"] for record in judged if record["digest"] in given]


def touched_up(answer: dict[str, bool]) -> bool:
    """The verdict: whether a person would only have to touch the reply up."""
    return all(answer[criterion] for criterion in CRITERIA)


def digest(reply: str) -> str:
    return sha256(reply.encode()).hexdigest()[:12]
