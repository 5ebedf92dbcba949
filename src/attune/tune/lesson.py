"""Lessons: what a model should say to a request of the product, in tokens, and which of them it decides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from attune.chat import Chat
from attune.decode.shorten import CONTROL
from attune.errors import Misfit
from attune.fields import ExcerptField
from attune.measure.texts import rouge_l
from attune.request import Choice, Fixed, Number, Pick, Request, Slot, literal
from attune.task import Task


@dataclass(frozen=True, slots=True)
class Lesson:
    """A prompt as the model gets it in serving, and the answer it should give, in tokens.

    A causal model reads the prompt and then the answer; an encoder-decoder reads the prompt in its encoder
    and says the answer. Only the tokens of the answer that are `trained` count: those that the model itself
    decides, the end of its turn among them. Nothing of a prompt is ever trained on.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    trained: tuple[bool, ...]
    """As long as `answer`."""
    name: str = ""
    """Which example it is, in words for people."""

    def __len__(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.answer)


class Teacher(Protocol):
    """Makes lessons for one base model, with the tokens that the engine which serves it makes."""

    def lessons(self, request: Request, said: Sequence[str], name: str) -> list[Lesson]:
        """The lessons in one answer: `said` has the text of each slot of `request`, as `texts` makes it.

        Raises BadRequest where no engine could answer the request.
        """

    def text(self, ids: Sequence[int]) -> str:
        """What tokens say; control tokens in their own words."""


def texts(task: Task, chat: Chat, values: Mapping[str, Any]) -> list[str]:
    """The text of each slot in the answer of `task` that says `values`.

    Where the task can only say a sentence of the chat, it is the one nearest to the value, by ROUGE-L.
    Raises Misfit for a value that the task's own parser would not take, or that is not there.
    """
    checked = dict(values)
    for part in task.fields:
        if values.get(part.name) is None:
            raise Misfit(f"{part.name}: missing")
        if not isinstance(part, ExcerptField):
            checked[part.name], _ = part.check(values[part.name], chat)
    return [_said(slot, checked) for slot in task.slots(chat)]


def _said(slot: Slot, values: Mapping[str, Any]) -> str:
    if isinstance(slot, Fixed):
        return slot.text
    name, _, part = slot.name.partition(".")
    value = part in values[name] if part else values[name]
    if isinstance(slot, Choice):
        return next(
            option for option in slot.options if literal(option) == json.dumps(value, ensure_ascii=False)
        )
    if isinstance(slot, Number):
        return f" {value}{slot.end}"
    if isinstance(slot, Pick):
        return max(slot.options, key=lambda option: rouge_l(str(value), option))
    # As the engine writes it: in a JSON string a line feed becomes a space, and so do control characters.
    said = CONTROL.sub(" ", str(value))
    return json.dumps(said.replace("\n", " "), ensure_ascii=False)[1:-1] if slot.json else said
