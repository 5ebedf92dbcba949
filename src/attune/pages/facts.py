"""What the model read out of a chat, as a person corrects it: choices, texts, and the rest to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attune.fields import ChoiceField, ExcerptField, Field, TextField, YesNoField
from attune.pages import words
from attune.store.desk.item import Item
from attune.task import Task

_LABELS = {"sentiment": "Customer", "summary": "About"}
_KEYS = {("sentiment", -1): "-", ("sentiment", 0): "0", ("sentiment", 1): "+"}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    tone: str
    chosen: bool
    key: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A field of few values: pressing one corrects it."""

    name: str
    label: str
    options: tuple[Option, ...]
    origin: str
    """Who says so: the model, and how sure it is, or a person."""


@dataclass(frozen=True, slots=True)
class Text:
    name: str
    label: str
    value: str
    key: str
    max_chars: int
    origin: str


@dataclass(frozen=True, slots=True)
class Other:
    """A field that is shown and not corrected here."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Facts:
    choices: tuple[Choice, ...]
    texts: tuple[Text, ...]
    others: tuple[Other, ...]


def facts(item: Item, task: Task) -> Facts:
    """The values of `item` by the fields of `task`, the one that the desk's engine runs now."""
    fields: Mapping[str, Field] = {part.name: part for part in task.fields}
    choices, texts, others = list[Choice](), list[Text](), list[Other]()
    for name, value in item.values.items():
        field = fields.get(name)
        if isinstance(field, ChoiceField):
            choices.append(_choice(item, name, value, field.options))
        elif isinstance(field, YesNoField):
            choices.append(_choice(item, name, value, (True, False)))
        elif isinstance(field, TextField | ExcerptField):
            texts.append(_text(item, name, value, field))
        else:
            others.append(Other(_label(name), ", ".join(value) if isinstance(value, list) else str(value)))
    return Facts(tuple(choices), tuple(texts), tuple(others))


def value_of(field: Field, said: str) -> Any:
    """What a form said of `field`, in the field's own type; as it is where it is none of its values."""
    options: tuple[Any, ...] = ()
    if isinstance(field, ChoiceField):
        options = field.options
    elif isinstance(field, YesNoField):
        options = (True, False)
    return next((option for option in options if str(option) == said), said)


def _choice(item: Item, name: str, value: Any, options: tuple[Any, ...]) -> Choice:
    shown = tuple(
        Option(str(option), *_said(name, option), option == value, _KEYS.get((name, option), ""))
        for option in options
    )
    return Choice(name, _label(name), shown, _origin(item, name) or _sure(item.outcome.confidence, name))


def _text(item: Item, name: str, value: Any, field: TextField | ExcerptField) -> Text:
    key = "m" if name == "summary" else ""
    own_words = "" if isinstance(field, TextField) else "in words of the chat itself"
    return Text(name, _label(name), str(value), key, field.max_chars, _origin(item, name) or own_words)


def _said(name: str, option: Any) -> tuple[str, str]:
    if name == "sentiment" and option in words.MOODS:
        return words.MOODS[option]
    return {True: "yes", False: "no"}.get(option, str(option)) if isinstance(option, bool) else str(
        option
    ), ""


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _origin(item: Item, name: str) -> str:
    """Who corrected the field last, and what the model said."""
    last = [each for each in item.corrections if each.field == name]
    if not last:
        return ""
    model = item.outcome.values.get(name)
    was = words.MOODS[model].name if name == "sentiment" and model in words.MOODS else str(model)
    return f"by {last[-1].person}; the model said: {was}"


def _sure(confidence: Mapping[str, float], name: str) -> str:
    return f"the model is {confidence[name]:.0%} sure" if name in confidence else ""
