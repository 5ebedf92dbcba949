"""Messy: texts that real people typed, with labels of our own; the texts stay in their data.

Of the English Web Treebank (CC BY-SA 4.0): reviews, and what people ask on the web, up to the question
mark. Of MultiDoGO (CDLA-Permissive-1.0): a customer's turns. They are found again by their ids.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path

from attune.chat import Chat, Role, Turn
from recipes.pocket.gold import UNWRITTEN, Example
from recipes.pocket.measures import macro_f1
from recipes.pocket.readers import records, rows

LEARNED, CHECKED = (Path(__file__).parent / name for name in ("messy_learned.jsonl", "messy_checked.jsonl"))
"""To learn from, and to check with; no text is in both."""
_STEPS = [step / 20 for step in range(-19, 20)]


def read(data: Path, labels: Path) -> list[Example]:
    """The labelled texts as chats in which only the customer speaks; a label without a text is an error."""
    found = dict(_texts(data))
    given = map(json.loads, labels.read_text(encoding="utf-8").splitlines())
    return [_example(each, [text[: each.get("end")] for text in found[each["id"]]]) for each in given]


def _texts(data: Path) -> Iterator[tuple[str, list[str]]]:
    for kind in ("reviews", "answers"):
        for record in records(data / "ewt_en", f"{kind}.jsonl.xz"):
            yield record["id"].split(".")[0], [record["text"]]
    lines = rows(data / "multidogo_customer_turns", "*.tsv.xz", delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, turns in groupby(lines, lambda row: row["conversationId"]):
        yield number, [turn["utterance"] for turn in turns if turn["utterance"]]


def _example(label: dict[str, object], said: list[str]) -> Example:
    chat = Chat(str(label["id"]), "0", tuple(Turn(Role.CUSTOMER, text) for text in said), "en")
    sentiment = label["sentiment"]
    assert isinstance(sentiment, int)
    return Example(chat, sentiment, " ".join(said), hard=UNWRITTEN)


def tuned(scored: list[tuple[int, float]]) -> list[tuple[int, int]]:
    """Gold labels beside scores cut at the two thresholds that suit these very texts best.

    No rival whose thresholds are tuned elsewhere does better.
    """
    cuts = ((low, high) for low, high in product(_STEPS, _STEPS) if low <= high)
    ways = ([(gold, (score > high) - (score < low)) for gold, score in scored] for low, high in cuts)
    return max(ways, key=macro_f1)
