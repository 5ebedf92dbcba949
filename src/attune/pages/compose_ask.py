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
from attune.handle import Act
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
    """A task that a person can choose, and who is asked; only one that writes freely takes an instruction."""

    key: str
    label: str
    task: Task
    act: Act
    sampling: Sampling = Sampling()

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
    """Whom a question goes to: an arm, as it answers chats, or more freely."""

    key: str
    label: str
    asks: tuple[Ask, ...]
    sampling: Sampling | None
    """How the words are drawn, whatever the task; None is as the arm does it for chats."""

    @property
    def tasks(self) -> str:
        """The keys of what it can be asked, as an attribute of the page."""
        return " ".join(each.key for each in self.asks)

    @property
    def free(self) -> str:
        """Those of them that take an instruction."""
        return " ".join(each.key for each in self.asks if each.free)

    def ask(self, key: str) -> Ask:
        """The task of that key. Raises Refused."""
        for each in self.asks:
            if each.key == key:
                return each
        raise Refused(f"{self.label} has no such task. Choose another; your text is kept.")


def asks(drafting: Drafting, language: str) -> tuple[Ask, ...]:
    """What the main act of `drafting` can be asked; translations go into `language`."""
    main, found = drafting.acts.main, list[Ask]()
    if main.task.escalation is not None:
        found.append(Ask("draft", "Reply to it", main.task.escalation.draft, drafting.act, main.sampling))
    fields = " and ".join(part.name.replace("_", " ") for part in main.task.fields)
    found.append(Ask("read", f"Read it: {fields}", main.task, main))
    if drafting.translate is not None and drafting.translates:
        spoken = words.language(language)
        cue = drafting.translate.cue.replace("{language}", spoken)
        task = replace(drafting.translate, cue=cue)
        found.append(Ask("translate", f"Translate it into {spoken}", task, drafting.act))
    return tuple(found)


def ways(drafting: Drafting, language: str) -> tuple[Way, ...]:
    """Every arm of the service, the one with most chats first; then each of them more freely."""
    main, arms = drafting.acts.main, drafting.acts.arms
    free = Sampling(temperature=_FREEDOM, seed=None)
    usual, freer = list[Way](), list[Way]()
    for name, act in sorted(arms.items(), key=lambda arm: (arm[0] != main.arm, arm[0])):
        own = replace(drafting, acts=act)
        model = own.act.engine.model
        label, known = f"{name}: {model}" if len(arms) > 1 else model, asks(own, language)
        usual.append(Way(name, label, known, None))
        freer.append(Way(f"{name} freer", f"{label}, freer", known, free))
    return (*usual, *freer)


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
