"""What can be asked about a letter, and of whom: tasks, and ways to ask the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from attune.answer import Verdict, parse
from attune.chat import Chat, Role, Turn, clean
from attune.desk.refusal import Refused
from attune.errors import Misfit
from attune.language import language_of
from attune.pages import words
from attune.pages.compose_letter import MAX_CHARS
from attune.pages.drafting import MAX_CHARS as MAX_INSTRUCTION
from attune.pages.drafting import Drafting
from attune.request import Sampling
from attune.task import Task, instructed

_FREEDOM = 0.7


@dataclass(frozen=True, slots=True)
class Ask:
    """A task that a person can choose; only one that writes freely takes an instruction."""

    key: str
    label: str
    task: Task

    @property
    def free(self) -> bool:
        return self.task.plain

    @property
    def values(self) -> bool:
        """Whether the answer is values for fields, and not a text."""
        return not self.task.plain and not self.task.phrases

    def instructed(self, instruction: str) -> Task:
        """The task with a person's words. Raises Refused."""
        if len(instruction) > MAX_INSTRUCTION:
            raise Refused(f"An instruction has at most {MAX_INSTRUCTION:,} characters.")
        return instructed(self.task, instruction) if self.free else self.task

    def text(self, verdict: Verdict, chat: Chat) -> str:
        """The answer as a person edits it: the reply, or the values as JSON."""
        return _json(verdict.values) if self.values else self.task.draft_text(verdict.values, chat)

    def checked(self, output: str, chat: Chat) -> str:
        """What a person wants for an answer, as it is kept. Raises Refused where it does not fit the task."""
        if not self.values:
            return output
        try:
            return _json(parse(self.task, output, chat).values)
        except Misfit as misfit:
            raise Refused(f"This does not fit the task {self.task.name}: {misfit}.") from misfit


@dataclass(frozen=True, slots=True)
class Way:
    """Whom a question goes to, and how freely the words are drawn. Arms of a split will be ways too."""

    key: str
    label: str
    sampling: Sampling


def asks(drafting: Drafting, language: str) -> tuple[Ask, ...]:
    """The tasks that this service has; translations go into `language`."""
    task, found = drafting.act.task, list[Ask]()
    if task.escalation is not None:
        found.append(Ask("draft", "Reply to it", task.escalation.draft))
    fields = " and ".join(part.name.replace("_", " ") for part in task.fields)
    found.append(Ask("read", f"Read it: {fields}", task))
    if drafting.translate is not None and drafting.translates:
        spoken = words.language(language)
        cue = drafting.translate.cue.replace("{language}", spoken)
        found.append(Ask("translate", f"Translate it into {spoken}", replace(drafting.translate, cue=cue)))
    return tuple(found)


def ways(model: str) -> tuple[Way, ...]:
    free = Sampling(temperature=_FREEDOM, seed=None)
    return (
        Way("likeliest", f"{model}, likeliest words", Sampling()),
        Way("freer", f"{model}, freer", free),
    )


def letter(subject: str, text: str, language: str, person: str) -> Chat:
    """What was pasted, as a chat of one turn: all of it is data. Raises Refused."""
    said = clean(text).strip()
    if not said:
        raise Refused("There is no text yet: paste one, upload a file, or try a sample.")
    if len(said) > MAX_CHARS:
        raise Refused(f"A text has at most {MAX_CHARS:,} characters.")
    known = language if language in words.LANGUAGES else None
    subject = " ".join(clean(subject).split())[:1000]
    return Chat("compose", person, (Turn(Role.CUSTOMER, said),), known, None, subject or None)


def spoken(chat: Chat) -> str:
    """The language of a letter: the one that was chosen, else what its words look like."""
    return chat.language or language_of(chat, words.LANGUAGES.keys() - {"nb"})


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), ensure_ascii=False)
