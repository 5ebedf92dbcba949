"""Lessons: the product's own requests about our conversations with their answers, as rows of tokens.

They are made once for all passes, each pass with its own augmentation, so that a machine that only
trains needs no tokenizer.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from attune.models import POCKET
from attune.task import Task, load
from recipes.pocket import document, gold, messy, plain, rows, tokenizer
from recipes.pocket.answers import Lesson, lesson
from recipes.pocket.augment import augment
from recipes.pocket.controls import PAD
from recipes.pocket.gold import UNWRITTEN, Example
from recipes.pocket.sources import OFTEN, conversation_files

REVIEWS = 0.12
"""Of the examples: reviews of films with stars, which have a sentiment and no summary but their own words."""
_OPEN = 12
"""Rows that are filled at the same time: the more, the less room is left at their ends."""
_TASKS = (POCKET / "tasks" / "triage.toml", Path(__file__).parent / "tasks" / "triage.toml")


def lessons(data: Path, work: Path, passes: int, seed: int) -> Path:
    examples = [*conversations(data), *messy.read(data, messy.LEARNED), *plain.read(plain.LEARNED)]
    reviews = list(reviewed(work))
    tokens, tasks = tokenizer.load(work), [load(path) for path in _TASKS]
    ids: list[list[int]] = []
    counts: list[list[int]] = []
    for number in range(passes):
        rng = random.Random(f"{seed} {number}")
        drawn = [augment(each, rng) for each in balanced(examples, rng)]
        drawn += balanced_sample(reviews, int(REVIEWS * len(drawn)), rng)
        made = [
            found
            for each in drawn
            for task in asked(each, tasks, rng)
            if (found := lesson(task, each, tokens, rows.TUNE))
        ]
        rng.shuffle(made)
        for row in packed(made):
            ids.append(row[0])
            counts.append(row[1])
    print(f"{len(examples)} examples, {passes} passes, {len(ids)} rows of {rows.TUNE}")
    return rows.write_lessons(work, ids, counts)


def conversations(data: Path) -> list[Example]:
    """Those of one pass, each as often as its file is to come."""
    return [each for path in conversation_files(data) for each in gold.read(path) * OFTEN.get(path.name, 1)]


def asked(example: Example, tasks: list[Task], rng: random.Random) -> Iterator[Task]:
    """One of the tasks of each kind: a triage by excerpt or in own words, and if it is unhappy a reply."""
    task = rng.choice(tasks) if example.hard != UNWRITTEN else tasks[0]
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


def balanced_sample(examples: list[Example], n: int, rng: random.Random) -> list[Example]:
    """Some `n` of them, of each language and sentiment the same share: most reviews are happy ones."""
    groups: dict[tuple[str, int], list[Example]] = defaultdict(list)
    for each in examples:
        groups[each.chat.language or "", each.sentiment].append(each)
    share = n // max(1, len(groups))
    return [each for group in groups.values() for each in rng.sample(group, min(share, len(group)))]


def reviewed(work: Path) -> Iterator[Example]:
    """Reviews as chats of one message."""
    for each in document.read(work / "documents.jsonl"):
        if each.sentiment is not None and each.chars > 15:
            yield Example(each.chat, each.sentiment, each.turns[0].text, hard=UNWRITTEN)


def packed(made: list[Lesson]) -> Iterator[Lesson]:
    """Whole lessons side by side in rows, each put where the least room is left by it."""
    opened: list[Lesson] = []
    for ids, counts in made:
        fitting = [row for row in opened if len(row[0]) + len(ids) <= rows.TUNE]
        if not fitting and len(opened) == _OPEN:
            fullest = max(opened, key=lambda row: len(row[0]))
            opened.remove(fullest)
            yield _filled(fullest)
        row = max(fitting, key=lambda row: len(row[0])) if fitting else ([], [])
        if not fitting:
            opened.append(row)
        row[0].extend(ids)
        row[1].extend(counts)
    yield from map(_filled, opened)


def _filled(row: Lesson) -> Lesson:
    empty = rows.TUNE - len(row[0])
    return row[0] + [PAD] * empty, row[1] + [0] * empty
