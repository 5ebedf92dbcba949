"""Answers: what the model should say to a request of the product, in tokens, and how much each counts."""

from __future__ import annotations

from attune.engines.paged.tokens import Tokens
from attune.errors import Misfit
from attune.request import Choice
from attune.task import Task
from attune.tune.causal import CausalTeacher
from attune.tune.lesson import texts
from recipes.pocket.gold import Example

Lesson = tuple[list[int], list[int]]
"""Tokens, and how much each counts: 0 where the model is not to learn to say it."""
CHOICE = 5
"""How much a choice's tokens count: they are few beside a text's, and decide most."""
_CONTEXT = 4096
"""Of the model that is trained, in tokens."""


def lesson(task: Task, example: Example, tokens: Tokens, room: int) -> Lesson | None:
    """The request and its answer, as the product tunes on them; None where the gold has no answer, or it does
    not fit into `room`."""
    request = task.request(example.chat)
    try:
        said = texts(task, example.chat, {part.name: gold_of(part.name, example) for part in task.fields})
    except Misfit:
        return None
    (made,) = CausalTeacher(tokens, _CONTEXT).lessons(request, said, example.chat.id)
    lengths = (len(tokens.encode(text)) for text in said)
    slots = (slot for slot, length in zip(request.slots, lengths, strict=True) for _ in range(length))
    weights = (CHOICE if isinstance(slot, Choice) else 1 for slot in slots)
    # A choice or a text in JSON is ended by the product; only a plain text's end is the model's to find.
    counts = [weight * trained for weight, trained in zip(weights, made.trained, strict=False)]
    ids = [*made.prompt, *made.answer]
    return (ids, [0] * len(made.prompt) + [*counts, int(task.plain)]) if len(ids) <= room else None


def gold_of(field: str, example: Example) -> int | str | None:
    """What the gold says for a field: a reply is also what words quoted in one are chosen by."""
    known: dict[str, int | str | None] = {"sentiment": example.sentiment, "summary": example.summary}
    return known.get(field, example.reply)
