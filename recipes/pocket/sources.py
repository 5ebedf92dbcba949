"""Sources: the open data the model may learn from, each with its licence, and how much of it is used."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from attune.chat import Role, Turn
from recipes.pocket import readers
from recipes.pocket.document import Document

OWN = Path(__file__).parent / "conversations"
OURS = "conversations"


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of the data. `weight` is how often its documents are drawn beside others of their language;
    at most `cap` characters of it are used in each language, chosen by chance."""

    folder: str
    licence: str
    attribution: str
    read: readers.Reader
    weight: float
    cap: int


SOURCES = (
    Source("cucom_in", "Apache-2.0", "CuCom, Vakyansh", readers.complaints, 2.0, 20_000_000),
    Source("sgd", "CC BY-SA 4.0", "Schema-Guided Dialogue, Google", readers.dialogues("en"), 0.7, 9_000_000),
    Source(
        "multiwoz_en_ru",
        "MIT",
        "MultiWOZ, P. Budzianowski; Russian-MultiWOZ, vonCount",
        readers.dialogues("en"),
        0.7,
        8_000_000,
    ),
    Source("taskmaster4", "CC BY 4.0", "Taskmaster-4, Google", readers.dialogues("en"), 0.3, 1_000_000),
    Source("tau_airline", "MIT", "tau-bench, Sierra", readers.dialogues("en"), 2.0, 1_000_000),
    Source(
        "bcontrast_de_en",
        "CC BY-SA 4.0",
        "BConTrasT, Unbabel; Taskmaster-1, Google",
        readers.translated,
        3.0,
        3_000_000,
    ),
    Source(
        "jmultiwoz_tc",
        "CC BY 4.0, CC BY-SA 4.0",
        "JMultiWOZ-TC, LLM-jp; JMultiWOZ, Nagoya University",
        readers.growing,
        1.0,
        4_000_000,
    ),
    Source(
        "asdc_ja",
        "CC BY 4.0",
        "Accommodation Search Dialog Corpus, Megagon Labs and Recruit",
        readers.lodgings,
        3.0,
        1_000_000,
    ),
    Source(
        "multidogo_customer_turns",
        "CDLA-Permissive-1.0",
        "MultiDoGO, Amazon",
        readers.customer_turns,
        0.7,
        5_000_000,
    ),
    Source("banking77", "CC BY 4.0", "BANKING77, PolyAI", readers.intents, 0.3, 1_000_000),
    Source(
        "changelog_transcripts",
        "CC BY-SA 4.0",
        "Changelog Media transcripts",
        readers.spoken,
        1.0,
        12_000_000,
    ),
    Source("qmsum", "MIT, CC BY 4.0", "QMSum, Yale LILY; AMI; ICSI", readers.meetings, 1.0, 3_000_000),
    Source(
        "eltec_novels",
        "public domain, CC BY 4.0",
        "ELTeC, COST Action CA16204",
        readers.novels,
        1.0,
        6_000_000,
    ),
    Source("hgtods_ko", "MIT", "HG-TODS, SKKU NLP Lab", readers.dialogues("ko"), 3.0, 2_000_000),
    Source("songys_chatbot_ko", "MIT", "Chatbot_data, songys", readers.replies, 0.3, 1_000_000),
    Source("nsmc_ko", "CC0 1.0", "NSMC, e9t", readers.reviews, 0.12, 4_000_000),
    Source("ewt_en", "CC BY-SA 4.0", "UD English EWT", readers.texts, 3.0, 1_000_000),
    Source(
        "ms_ckm_callcenter",
        "MIT",
        "Conversation Knowledge Mining Solution Accelerator, Microsoft",
        readers.calls,
        8.0,
        1_000_000,
    ),
)
OUR_WEIGHT = 12.0
"""Our conversations are few, and what they are about is what the model is for."""
OFTEN = {
    "remarks_en.jsonl": 4,
    "plain.jsonl": 2,
    "brands_en.jsonl": 3,
    "chats_fr.jsonl": 2,
    "chats_pt_ja.jsonl": 3,
    "chats_ko.jsonl": 2,
    "chats_ja.jsonl": 3,
}
"""How many times a file's conversations come in a pass of lessons; all others come once."""


def weights() -> dict[str, float]:
    return {OURS: OUR_WEIGHT, **{source.folder: source.weight for source in SOURCES}}


def documents(data: Path, seed: int = 0) -> Iterator[Document]:
    """All documents of the sources, up to their caps, and our conversations without their gold fields."""
    for source in SOURCES:
        found = [document for document in source.read(data / source.folder) if document.chars]
        random.Random(seed).shuffle(found)
        used: dict[str, int] = {}
        for document in found:
            used[document.language] = used.get(document.language, 0) + document.chars
            if used[document.language] <= source.cap:
                yield replace(document, source=source.folder)
    for path in conversation_files(data):
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            turns = tuple(Turn(Role(turn["role"]), turn["text"]) for turn in record["turns"])
            yield Document(record["language"], turns, source=OURS)


def conversation_files(data: Path) -> list[Path]:
    """The conversations to learn from: our own, and the train part beside the data, never its dev part."""
    return [*chain(sorted(OWN.glob("*.jsonl")), [data / OURS / "train.jsonl"])]
