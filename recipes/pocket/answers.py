"""Answers: what the model should say to a request of the product, token by token, slot by slot."""

from __future__ import annotations

import json

from attune.decode.fit import fit
from attune.engines.openvino.tokens import Tokens
from attune.prompt import render
from attune.request import Choice, Fixed, Free, Number, Pick, Request, Slot, literal
from attune.task import Task
from recipes.pocket.controls import END
from recipes.pocket.gold import Example
from recipes.pocket.measures import rouge

Lesson = tuple[list[int], list[int]]
"""Tokens, and how much each counts: 0 where the model is not to learn to say it."""
CHOICE = 5
"""How much a choice's tokens count: they are few beside a text's, and decide most."""


def lesson(task: Task, example: Example, tokens: Tokens, room: int) -> Lesson | None:
    """The request and its answer; None where the gold has no answer, or it does not fit into `room`.

    Learned is only what the model decides: known text stands in the product's answers without it.
    """
    request = task.request(example.chat)
    spoken = [(slot, said(slot, example)) for slot in request.slots]
    if any(text is None for _, text in spoken):
        return None
    answer: list[int] = []
    counts: list[int] = []
    for slot, text in spoken:
        ids = tokens.encode(text or "")
        # Where known text begins, free text before it ends: that the model decides too.
        ended = bool(counts) and counts[-1] > 0
        answer += ids
        if isinstance(slot, Fixed):
            counts += [int(ended and index == 0) for index in range(len(ids))]
        else:
            counts += [CHOICE if isinstance(slot, Choice) else 1] * len(ids)
    asked = prompt_of(request, tokens, room - len(answer) - 1)
    ids = [*asked, *answer, END]
    return (ids, [0] * len(asked) + counts + [int(task.plain)]) if len(ids) <= room else None


def prompt_of(request: Request, tokens: Tokens, room: int) -> list[int]:
    """The prompt's tokens, as the product's engine makes them for a model whose context is `room`."""
    parts = render(request.prompt, tokens.style)
    ids, _ = fit(lambda body: tokens.encode_prompt(parts.head, body, parts.tail), parts.lines, room)
    return ids


def said(slot: Slot, example: Example) -> str | None:
    """The text that the gold fields put into a slot."""
    if isinstance(slot, Fixed):
        return slot.text
    gold = gold_of(slot, example)
    if gold is None or isinstance(slot, Number):
        return None
    if isinstance(slot, Choice):
        return next((option for option in slot.options if literal(option) == gold), None)
    if isinstance(slot, Pick):
        return best(slot.options, gold)
    return json.dumps(gold, ensure_ascii=False)[1:-1] if slot.json else gold


def gold_of(slot: Choice | Number | Pick | Free, example: Example) -> str | None:
    if slot.name == "sentiment":
        return str(example.sentiment)
    if slot.name == "summary":
        return example.summary
    return example.reply  # a reply, or the words quoted in one


def best(options: tuple[str, ...], gold: str) -> str:
    """The option nearest to the gold text."""
    return max(options, key=lambda option: rouge(option, gold))
