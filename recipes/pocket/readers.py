"""Readers: one for each form in which the open data lies, all to documents."""

from __future__ import annotations

import csv
import io
import json
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from recipes.pocket.document import Document, chat_of

Reader = Callable[[Path], Iterator[Document]]

_STAMP = re.compile(r"\[[\d:.]+\]\s*")
_NOISE = re.compile(r"\s*\{\w+\}")
_SPEAKER = re.compile(r"\*\*(\w+):\*\*")
_NOVEL_PARTS = 6
"""Every sixth stretch of a novel becomes a chat, so that languages with no chats learn from that form too."""


def records(folder: Path, pattern: str = "*.jsonl.xz") -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(pattern)):
        with lzma.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def rows(folder: Path, pattern: str, **form: Any) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob(pattern)):
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, **form)


def dialogues(language: str) -> Reader:
    """Records with turns [["user", text], …]; whoever is not the user is the agent."""

    def read(folder: Path) -> Iterator[Document]:
        for record in records(folder):
            yield Document(language, chat_of((who == "user", text) for who, text in record["turns"]))

    return read


def texts(folder: Path) -> Iterator[Document]:
    for record in records(folder):
        yield Document("en", text=record["text"])


def spoken(folder: Path) -> Iterator[Document]:
    """Transcripts of podcasts: a line for each speaker's turn, without its time."""
    for record in records(folder):
        said = [f"{who}: {_STAMP.sub('', ' '.join(text.split()))}" for who, text in record["turns"]]
        yield from (Document("en", text="\n".join(stretch)) for stretch in _stretches(said))


def meetings(folder: Path) -> Iterator[Document]:
    for record in records(folder):
        turns = record["data"]["meeting_transcripts"]
        said = [f"{turn['speaker']}: {_NOISE.sub('', turn['content'])}" for turn in turns]
        yield from (Document("en", text="\n".join(stretch)) for stretch in _stretches(said))


def novels(folder: Path) -> Iterator[Document]:
    """Stretches of a few paragraphs; every few of them as a chat whose sides take turns."""
    codes = {"eng": "en", "deu": "de", "fra": "fr", "spa": "es", "por": "pt"}
    for code, language in codes.items():
        whole = lzma.decompress((folder / f"eltec_{code}_part.txt.xz").read_bytes()).decode("utf-8", "ignore")
        for number, stretch in enumerate(_stretches(whole.splitlines())):
            if number % _NOVEL_PARTS:
                yield Document(language, text="\n".join(stretch))
            else:
                short = [line for line in stretch if len(line) < 300][:8]
                turns = chat_of((index % 2 == 0, line) for index, line in enumerate(short))
                if turns:
                    yield Document(language, turns)


def _stretches(lines: list[str], chars: int = 1500) -> Iterator[list[str]]:
    """Neighbouring lines of just over so many characters; what is left at the end is dropped."""
    stretch: list[str] = []
    for line in lines:
        stretch.append(line)
        if sum(map(len, stretch)) > chars:
            yield stretch
            stretch = []


def complaints(folder: Path) -> Iterator[Document]:
    with (
        zipfile.ZipFile(folder / "ecommerce_v_0_1.jsonl.zip") as archive,
        archive.open("merged.jsonl") as file,
    ):
        for record in map(json.loads, io.TextIOWrapper(file, "utf-8")):
            said = ((turn["role"] == "user", turn["content"]) for turn in record["turns"])
            yield Document("en", chat_of(said))


def translated(folder: Path) -> Iterator[Document]:
    """The customer's side is German and the agent's English: with the translations, a chat in each."""
    for record in records(folder):
        sides = [(turn["speaker"] == "customer", turn["source"], turn["target"]) for turn in record["turns"]]
        yield Document(
            "de", chat_of((customer, one if customer else other) for customer, one, other in sides)
        )
        yield Document(
            "en", chat_of((customer, other if customer else one) for customer, one, other in sides)
        )


def growing(folder: Path) -> Iterator[Document]:
    """Each dialogue is written once for every turn, each time longer: the last time counts."""
    path = folder / "JMultiWOZ-TC_data.zip"
    with zipfile.ZipFile(path) as archive, archive.open("jmultiwoz_tc_input.json") as file:
        lines = map(json.loads, io.TextIOWrapper(file, "utf-8"))
        for _, grown in groupby(lines, lambda record: record["dialogue_id"]):
            *_, last = grown
            said = ((turn["role"] == "user", turn["content"]) for turn in last["question"])
            yield Document("ja", chat_of(said))


def lodgings(folder: Path) -> Iterator[Document]:
    for record in records(folder):
        said = record["data"]["utterances"]
        yield Document("ja", chat_of((turn["name"].startswith("customer"), turn["text"]) for turn in said))


def customer_turns(folder: Path) -> Iterator[Document]:
    lines = rows(folder, "*.tsv.xz", delimiter="\t", quoting=csv.QUOTE_NONE)
    for _, turns in groupby(lines, lambda row: row["conversationId"]):
        yield Document("en", chat_of((True, row["utterance"] or "") for row in turns))


def intents(folder: Path) -> Iterator[Document]:
    for row in rows(folder, "*.csv.xz"):
        yield Document("en", chat_of([(True, row["text"])]), topic=row["category"].replace("_", " "))


def replies(folder: Path) -> Iterator[Document]:
    """Its labels are topics (a failed exam is "everyday"), not how somebody feels: they are left."""
    for row in rows(folder, "*.csv.xz"):
        yield Document("ko", chat_of([(True, row["Q"]), (False, row["A"])]))


def reviews(folder: Path) -> Iterator[Document]:
    """Films by stars: 1 to 4 are unhappy, 5 to 8 neutral, 9 and 10 happy, as its note says."""
    for record in records(folder):
        stars = record["r"]
        feeling = -1 if stars <= 4 else 0 if stars <= 8 else 1
        yield Document("ko", chat_of([(True, record["t"])]), sentiment=feeling)


def calls(folder: Path) -> Iterator[Document]:
    for record in json.loads(lzma.decompress((folder / "sample_processed_data.json.xz").read_bytes())):
        _, *pieces = _SPEAKER.split(record["Content"])
        said = zip(pieces[::2], pieces[1::2], strict=True)
        turns = chat_of((who != "Agent", text) for who, text in said)
        yield Document("en", turns, summary=record["summary"])
