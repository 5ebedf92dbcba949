"""Lessons: the product's own requests about our conversations with their answers, as rows of tokens.

They are made once for all passes, each pass with its own augmentation, so that a machine that only
trains needs no tokenizer.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attune.models import POCKET
from attune.task import Task, load
from recipes.pocket import document, gold, tokenizer
from recipes.pocket.answers import Lesson, lesson
from recipes.pocket.augment import augment
from recipes.pocket.gold import Example
from recipes.pocket.sources import conversation_files
from recipes.pocket.tokenizer import PAD

ROW = 1024
REVIEWS = 0.15
"""Of the examples: reviews with stars, which have a sentiment and no summary but their own words."""
_OPEN = 12
"""Rows that are filled at the same time: the more, the less room is left at their ends."""
_TASKS = (POCKET / "tasks" / "triage.toml", Path(__file__).parent / "tasks" / "triage.toml")


def lessons(data: Path, work: Path, passes: int, seed: int) -> Path:
    examples = [each for path in conversation_files(data) for each in gold.read(path)]
    reviews = list(reviewed(work))
    tokens, tasks = tokenizer.load(work), [load(path) for path in _TASKS]
    ids: list[npt.NDArray[np.uint16]] = []
    counts: list[npt.NDArray[np.uint8]] = []
    for number in range(passes):
        rng = random.Random(f"{seed} {number}")
        drawn = [augment(each, rng) for each in balanced(examples, rng)]
        drawn += rng.sample(reviews, min(len(reviews), int(REVIEWS * len(drawn))))
        made = [
            found
            for each in drawn
            for task in asked(each, tasks, rng)
            if (found := lesson(task, each, tokens, ROW))
        ]
        rng.shuffle(made)
        for row in packed(made):
            ids.append(np.array(row[0], np.uint16))
            counts.append(np.array(row[1], np.uint8))
    path = work / "lessons.npz"
    np.savez_compressed(path, ids=np.stack(ids), counts=np.stack(counts))
    print(f"{len(examples)} conversations, {passes} passes, {len(ids)} rows of {ROW}")
    return path


def read(work: Path) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """Rows of tokens, and how much each of them counts."""
    with np.load(work / "lessons.npz") as file:
        return file["ids"], file["counts"]


def asked(example: Example, tasks: list[Task], rng: random.Random) -> Iterator[Task]:
    """One of the tasks of each kind: a triage by excerpt or in own words, and if it is unhappy a reply."""
    task = rng.choice(tasks) if example.hard != "review" else tasks[0]
    yield task
    if example.reply:
        yield from (each.escalation.draft for each in (rng.choice((*tasks, tasks[-1])),) if each.escalation)


def balanced(examples: list[Example], rng: random.Random) -> list[Example]:
    """All examples, and some again, so that in each language every sentiment is as frequent."""
    groups: dict[tuple[str, int], list[Example]] = defaultdict(list)
    for each in examples:
        groups[each.chat.language or "", each.sentiment].append(each)
    drawn = []
    for (language, _), group in groups.items():
        most = max(len(other) for (its, _), other in groups.items() if its == language)
        drawn += group + rng.choices(group, k=most - len(group))
    return drawn


def reviewed(work: Path) -> Iterator[Example]:
    """Reviews as chats of one message."""
    for each in document.read(work / "documents.jsonl"):
        if each.sentiment is not None and each.chars > 15:
            yield Example(each.chat, each.sentiment, each.turns[0].text, hard="review")


def packed(made: list[Lesson]) -> Iterator[Lesson]:
    """Whole lessons side by side in rows, each put where the least room is left by it."""
    rows: list[Lesson] = []
    for ids, counts in made:
        fitting = [row for row in rows if len(row[0]) + len(ids) <= ROW]
        if not fitting and len(rows) == _OPEN:
            fullest = max(rows, key=lambda row: len(row[0]))
            rows.remove(fullest)
            yield _filled(fullest)
        row = max(fitting, key=lambda row: len(row[0])) if fitting else ([], [])
        if not fitting:
            rows.append(row)
        row[0].extend(ids)
        row[1].extend(counts)
    yield from map(_filled, rows)


def _filled(row: Lesson) -> Lesson:
    empty = ROW - len(row[0])
    return row[0] + [PAD] * empty, row[1] + [0] * empty
