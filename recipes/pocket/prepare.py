"""Prepare: all data into one file of documents, and what there is of each language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from recipes.pocket import document, sources
from recipes.pocket.document import Document


def prepare(data: Path, work: Path, seed: int) -> Path:
    path = work / "documents.jsonl"
    amounts: Counter[tuple[str, str]] = Counter()
    document.write(path, _counted(sources.documents(data, seed), amounts))
    for (language, source), chars in sorted(amounts.items()):
        print(f"{language}  {source:28}{chars / 1e6:8.2f} M characters")
    return path


def _counted(documents: Iterable[Document], amounts: Counter[tuple[str, str]]) -> Iterator[Document]:
    for each in documents:
        amounts[each.language, each.source] += each.chars
        yield each
