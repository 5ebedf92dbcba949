"""A document: one text or one chat of the data, and what its source says about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from attune.chat import Chat, Role, Turn


@dataclass(frozen=True, slots=True)
class Document:
    """A chat (`turns`) or any other text (`text`). The labels are those of its source, where it has some."""

    language: str
    turns: tuple[Turn, ...] = ()
    text: str = ""
    sentiment: int | None = None
    topic: str = ""
    summary: str = ""
    source: str = ""

    @property
    def chat(self) -> Chat:
        return Chat("0", "0", self.turns, self.language)

    @property
    def chars(self) -> int:
        return len(self.text) + sum(len(turn.text) for turn in self.turns)


def chat_of(pairs: Iterable[tuple[bool, str]]) -> tuple[Turn, ...]:
    """Turns from pairs of whether the customer speaks, and what is said; nobody says nothing."""
    said = ((customer, text.strip()) for customer, text in pairs)
    return tuple(Turn(Role.CUSTOMER if customer else Role.AGENT, text) for customer, text in said if text)


def write(path: Path, documents: Iterable[Document]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for document in documents:
            file.write(json.dumps(asdict(document), ensure_ascii=False) + "\n")


def read(path: Path) -> Iterator[Document]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            turns = tuple(Turn(Role(turn["role"]), turn["text"]) for turn in record.pop("turns"))
            yield Document(turns=turns, **record)
