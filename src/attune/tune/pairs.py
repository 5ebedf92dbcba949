"""Preferences: of two answers to a prompt the better one, or of one answer whether it was good; in tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attune.desk.ruling import Kind
from attune.errors import Misfit
from attune.store import Store
from attune.store.desk.examples import Example as Reviewed
from attune.task import instructed
from attune.tune.examples import Tasks
from attune.tune.lesson import Lesson, Teacher, texts
from attune.tune.reviews import chat_of, ref_of

_GOOD, _BAD = 4, 2
"""Stars from which on an answer was good, and up to which it was bad; between the two nobody knows."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt, and two answers to it, in tokens with the end of the model's turn."""

    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Thumb:
    """A prompt and one answer to it, in tokens with the end of the model's turn, and whether it was good."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    good: bool
    name: str = ""


def pairs(store: Store, tasks: Tasks, teacher: Teacher) -> Iterator[Pair]:
    """Where a person edited a draft: what they sent is chosen, what the model wrote is rejected."""
    for each in store.examples.read("edited"):
        if each.decision and (better := _lesson(each, each.decision.text, tasks, teacher)):
            worse = _lesson(each, each.decision.draft, tasks, teacher)
            if worse and worse.answer != better.answer:
                yield Pair(better.prompt, better.answer, worse.answer, better.name)


def thumbs(store: Store, tasks: Tasks, teacher: Teacher) -> Iterator[Thumb]:
    """Every draft that a person said something of. Good: approved as it was, and what an edit made of it.
    Bad: rejected, or edited. Where nobody decided, stars tell: good from 4 on, bad up to 2, by their mean."""
    for each in store.examples.read():
        for text, good in _judged(each):
            if made := _lesson(each, text, tasks, teacher):
                yield Thumb(made.prompt, made.answer, good, made.name)


def _judged(each: Reviewed) -> Iterator[tuple[str, bool]]:
    if decision := each.decision:
        if decision.draft and (decision.kind is not Kind.EDITED or decision.draft != decision.text):
            yield decision.draft, decision.kind is Kind.APPROVED
        if decision.kind is Kind.EDITED:
            yield decision.text, True
    elif each.ratings and each.draft:
        stars = sum(each.ratings.values()) / len(each.ratings)
        if stars >= _GOOD or stars <= _BAD:
            yield each.draft, stars >= _GOOD


def _lesson(each: Reviewed, text: str, tasks: Tasks, teacher: Teacher) -> Lesson | None:
    """None for a text that the task's own parser would not take, and for a chat that was not kept."""
    chat = chat_of(each)
    if chat is None:
        return None
    task = instructed(tasks.draft, each.decision.instruction if each.decision else "")
    try:
        said = texts(task, chat, {task.fields[0].name: text})
    except Misfit:
        return None
    return teacher.lessons(task.request(chat), said, ref_of(each))[0]
