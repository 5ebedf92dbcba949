"""Field kinds: each says, in one place, what the model is told, how it is decoded, checked and stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

from attune.chat import Chat, Role
from attune.errors import Misfit
from attune.excerpt import candidates, is_excerpt, runs_of_turns
from attune.ground import names_count, ungrounded
from attune.request import TOKENS_PER_CHAR, Choice, Fixed, Free, Grounds, Number, Pick, Slot

Column = Literal["text", "integer", "boolean", "list"]


class Grounded(StrEnum):
    """What happens to numbers, codes and names of an answer that are not in the chat."""

    NO = "no"
    FLAG = "flag"
    REQUIRE = "require"


class Field(Protocol):
    """One field of a task's answer."""

    @property
    def name(self) -> str: ...

    @property
    def column(self) -> Column:
        """The type of the field's column in a table of results."""

    def describe(self) -> str:
        """What the model is told the value must be."""

    def slots(self, chat: Chat, end: str) -> tuple[Slot, ...]:
        """The value as slots, after its `"name":`, with `end` ("," or "}") behind it."""

    def check(self, value: Any, chat: Chat) -> tuple[Any, tuple[str, ...]]:
        """The value as it is stored, and flags for its row. Raises Misfit where it does not fit."""


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """One of `options`, which are strings or whole numbers. The string "-1" is not the number -1."""

    name: str
    options: tuple[str | int, ...]
    about: str = ""

    @property
    def column(self) -> Column:
        return "integer" if all(isinstance(option, int) for option in self.options) else "text"

    def describe(self) -> str:
        return _told(
            self.about, f"one of {', '.join(json.dumps(o, ensure_ascii=False) for o in self.options)}"
        )

    def slots(self, chat: Chat, end: str) -> tuple[Slot, ...]:
        return (Choice(self.name, tuple(f" {_json(option)}{end}" for option in self.options)),)

    def check(self, value: Any, chat: Chat) -> tuple[Any, tuple[str, ...]]:
        for option in self.options:
            if type(value) is type(option) and value == option:
                return value, ()
        raise Misfit(f"{self.name}: {_shown(value)} is none of {', '.join(map(_json, self.options))}")


@dataclass(frozen=True, slots=True)
class IntegerField:
    """A whole number from `low` to `high`."""

    name: str
    low: int
    high: int
    about: str = ""

    @property
    def column(self) -> Column:
        return "integer"

    def describe(self) -> str:
        return _told(self.about, f"a whole number from {self.low} to {self.high}")

    def slots(self, chat: Chat, end: str) -> tuple[Slot, ...]:
        return (Number(self.name, self.low, self.high, end),)

    def check(self, value: Any, chat: Chat) -> tuple[Any, tuple[str, ...]]:
        if type(value) is not int or not self.low <= value <= self.high:
            raise Misfit(f"{self.name}: {_shown(value)} is no whole number from {self.low} to {self.high}")
        return value, ()


@dataclass(frozen=True, slots=True)
class YesNoField:
    name: str
    about: str = ""

    @property
    def column(self) -> Column:
        return "boolean"

    def describe(self) -> str:
        return _told(self.about, "true or false")

    def slots(self, chat: Chat, end: str) -> tuple[Slot, ...]:
        return (Choice(self.name, (f" true{end}", f" false{end}")),)

    def check(self, value: Any, chat: Chat) -> tuple[Any, tuple[str, ...]]:
        if type(value) is not bool:
            raise Misfit(f"{self.name}: {_shown(value)} is neither true nor false")
        return value, ()


@dataclass(frozen=True, slots=True)
class ChoicesField:
    """Any number of `options`. The model says true or false to each, so each has its own probability."""

    name: str
    options: tuple[str, ...]
    about: str = ""

    @property
    def column(self) -> Column:
        return "list"

    def describe(self) -> str:
        shape = ", ".join(f"{_json(option)}: true or false" for option in self.options)
        return _told(self.about, f"an object {{{shape}}}")

    def slots(self, chat: Chat, end: str) -> tuple[Slot, ...]:
        slots: list[Slot] = []
        for option in self.options:
            lead = " {" if not slots else " "
            close = f"}}{end}" if option == self.options[-1] else ","
            slots.append(Fixed(f"{lead}{_json(option)}:"))
            slots.append(Choice(f"{self.name}.{option}", (f" true{close}", f" false{close}")))
        return tuple(slots)

    def check(self, value: Any, chat: Chat) -> tuple[Any, tuple[str, ...]]:
        """Takes the object that was asked for, or a plain list of the options that hold."""
        if isinstance(value, dict):
            if set(value) != set(self.options) or not all(type(said) is bool for said in value.values()):
                raise Misfit(f"{self.name}: {_shown(value)} does not say true or false to each option")
            return [option for option in self.options if value[option]], ()
        if not isinstance(value, list) or not all(item in self.options for item in value):
            raise Misfit(f"{self.name}: {_shown(value)} is no list of {', '.join(map(_json, self.options))}")
        return [option for option in self.options if option in value], ()


@dataclass(frozen=True, slots=True)
class TextField:
    """Text of at most `max_chars` characters. `grounded` says what happens to numbers, codes and names
    that are not in the chat: nothing, a flag on the row, or an answer that counts as unreadable."""

    name: str
    max_chars: int = 200
    grounded: Grounded = Grounded.NO
    about: str = ""

    @property
    def column(self) -> Column:
        return "text"

    def describe(self) -> str:
        return _told(self.about, f"text of at most {self.max_chars} characters")

    def slots(self, chat: Chat, end: str) -> tuple[Slot, ...]:
        return (Fixed(' "'), self.free(chat, json=True), Fixed(f'"{end}'))

    def free(self, chat: Chat, json: bool) -> Free:
        free = self.grounded is Grounded.NO
        grounds = None if free else Grounds(chat.text, names_count(chat.language))
        return Free(self.name, self.max_chars, int(self.max_chars * TOKENS_PER_CHAR), json, grounds)

    def check(self, value: Any, chat: Chat) -> tuple[Any, tuple[str, ...]]:
        text = _text(self.name, value, self.max_chars)
        if self.grounded is Grounded.NO:
            return text, ()
        invented = ungrounded(text, chat.text, chat.language)
        if invented and self.grounded is Grounded.REQUIRE:
            raise Misfit(f"{self.name}: not in the chat: {', '.join(invented)}")
        return text, tuple(f"ungrounded: {self.name}: {item}" for item in invented)


@dataclass(frozen=True, slots=True)
class ExcerptField:
    """One or two sentences of the chat itself, chosen by the model's likelihood: never invented.

    With `turns` it is that many whole turns in a row and not sentences. It chooses among
    the first `candidates` of them, in the turns of `role` where that is given.
    """

    name: str
    max_chars: int = 200
    sentences: int = 1
    turns: int = 0
    role: Role | None = None
    candidates: int = 24
    about: str = ""

    @property
    def column(self) -> Column:
        return "text"

    def describe(self) -> str:
        whose = f"the {self.role}'s" if self.role else "the chat's"
        most = f"{self.turns} message(s)" if self.turns else f"{self.sentences} sentence(s)"
        return _told(self.about, f"{whose} own words: at most {most}, copied exactly")

    def slots(self, chat: Chat, end: str) -> tuple[Slot, ...]:
        if self.turns:
            options = runs_of_turns(chat, self.max_chars, self.turns, self.role, self.candidates)
        else:
            options = candidates(chat, self.max_chars, self.sentences, self.role, self.candidates)
        return (
            Fixed(' "'),
            Pick(self.name, tuple(_json(option)[1:-1] for option in options)),
            Fixed(f'"{end}'),
        )

    def check(self, value: Any, chat: Chat) -> tuple[Any, tuple[str, ...]]:
        text = _text(self.name, value, self.max_chars)
        if not is_excerpt(text, chat):
            raise Misfit(f"{self.name}: {_shown(text)} does not stand in the chat")
        return text, ()


def _text(name: str, value: Any, max_chars: int) -> str:
    if not isinstance(value, str):
        raise Misfit(f"{name}: {_shown(value)} is not text")
    text = value.strip()
    if not text:
        raise Misfit(f"{name}: empty")
    if len(text) > max_chars:
        raise Misfit(f"{name}: {len(text)} characters, at most {max_chars} fit")
    return text


def _told(about: str, shape: str) -> str:
    return f"{about}: {shape}" if about else shape


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
