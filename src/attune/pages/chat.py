"""The page of a chat: its whole way, from what came in to what went out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from starlette.responses import Response

from attune.chat import parse_chat
from attune.desk.difference import Change
from attune.desk.roles import Right, may
from attune.outcome import Attempt, Place
from attune.pages import words
from attune.pages.asked import Asked
from attune.pages.audit import Line
from attune.pages.item_view import Fact, Turn
from attune.pages.typed import Typed
from attune.store.desk.decide import Decision
from attune.store.desk.way import Delivery, Way
from attune.task import Task

_TOLD = {
    "approved": "approved the draft as it was",
    "edited": "approved with edits",
    "rejected": "rejected the draft",
}
_STATES = {"waiting": "Waits to go out", "sent": "Went out", "failed": "Could not be sent"}
_TONES = {"approved": "good", "edited": "good", "rejected": "bad", "sent": "good", "failed": "bad"}


class Asking(NamedTuple):
    """A prompt as the task makes it today; `lines` are the customer's."""

    title: str
    preamble: str
    lines: tuple[str, ...]
    cue: str


class Value(NamedTuple):
    name: str
    value: str
    sure: str


@dataclass(frozen=True)
class View:
    """What the template shows."""

    asked: Asked
    way: Way

    @property
    def number(self) -> int:
        return self.way.number

    @property
    def name(self) -> str:
        return f"Chat {self.way.outcome.key}"[:80]

    @property
    def language(self) -> str:
        return words.tag(self.way.outcome.language)

    @property
    def mood(self) -> words.Mood:
        return words.mood(self.way.outcome.values)

    @property
    def place(self) -> str:
        return {Place.TABLE: "Table", Place.REVIEW: "Review desk", Place.DEAD: "Dead letter"}[
            self.way.outcome.place
        ]

    @property
    def review(self) -> bool:
        return self.way.outcome.place is Place.REVIEW

    @property
    def facts(self) -> list[Fact]:
        outcome = self.way.outcome
        told = [Fact(words.language(outcome.language), "globe", "The customer's language")]
        if outcome.channel:
            told.append(Fact(outcome.channel[:40], "inbox", "The channel"))
        return [*told, Fact(self.place, "list", "Where it ended")]

    @property
    def subject(self) -> str:
        return str((self.way.chat or {}).get("subject") or "")

    @property
    def turns(self) -> list[Turn]:
        said = (self.way.chat or {}).get("turns", ())
        return [Turn(each["role"], words.WHO[each["role"]], each["text"]) for each in said]

    @property
    def values(self) -> list[Value]:
        sure = self.way.outcome.confidence
        return [
            Value(
                name.replace("_", " ").capitalize(),
                self.mood.name if name == "sentiment" else str(value),
                f"{sure[name]:.0%} sure" if name in sure else "",
            )
            for name, value in self.way.outcome.values.items()
        ]

    @property
    def flags(self) -> list[str]:
        return [words.flag(each) for each in self.way.outcome.flags]

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.way.attempts

    @property
    def current(self) -> bool:
        """Whether the task is still the one that read this chat."""
        task, outcome = self._task, self.way.outcome
        return (task.name, task.version) == (outcome.task, outcome.task_version)

    @cached_property
    def prompts(self) -> list[Asking]:
        """What the model was asked; empty where the chat's words are not kept, or another task read it."""
        if self.way.chat is None or self._task.name != self.way.outcome.task:
            return []
        tasks = [self._task]
        if self.review and self._task.escalation is not None:
            tasks.append(self._task.escalation.draft)
        chat = parse_chat(json.dumps(dict(self.way.chat)).encode())
        asked = [(task.name, task.request(chat).prompt) for task in tasks]
        return [Asking(name, prompt.preamble, prompt.lines, prompt.cue) for name, prompt in asked]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return self.way.decisions

    def diff(self, made: Decision) -> list[Change]:
        return Typed(made.text, made.draft).diff if made.text else []

    def told(self, made: Decision) -> str:
        return f"{made.person} {_TOLD[made.kind]}"

    def state(self, out: Delivery) -> str:
        return _STATES[out.state]

    def tone(self, kind: str) -> str:
        return _TONES.get(kind, "warn")

    @property
    def records(self) -> list[Line]:
        """The audit, for those who may see it."""
        assert self.asked.who is not None
        if not may(self.asked.who.role, Right.AUDIT):
            return []
        return [Line(each, self.asked.root) for each in self.way.records]

    @property
    def _task(self) -> Task:
        return self.asked.desk.drafting.act.task


def show(asked: Asked) -> Response:
    """The chat. That somebody looked at a review item is in the audit, as from its own page."""
    way = asked.desk.store.insight.way(asked.number)
    if way.outcome.place is Place.REVIEW:
        asked.desk.store.reviews.item(asked.number, asked.person)
    return asked.page("chat.html", "Search", chat=View(asked, way))
