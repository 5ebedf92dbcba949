"""Gold: what is right, by id, and which of its columns are scored as what."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from attune.chat import Chat, parse_chat
from attune.errors import AttuneError, BadChat
from attune.measure.labels import MOST, label
from attune.measure.prediction import row_id
from attune.measure.rows import Row, Unreadable

_CHAT = ("turns", "chat_message", "text", "subject")
_NOT_SCORED = frozenset(
    {"id", "custom_id", "user_id", "language", "channel", *_CHAT, "place", "flags", "confidence", "model"}
    | {"task", "task_version", "prompt_tokens", "output_tokens", "first_slot_s", "total_s", "attempts"}
    | {"created_at", "error", "values", "response", "generated_text", "generated_texts"}
)
_LABEL_CHARS = 40


class Kind(StrEnum):
    """How a field is scored: as a label, as a text, or as a draft, a text that a person went over."""

    LABEL = "label"
    TEXT = "text"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Field:
    """A column of gold, the column of predictions it is compared with, and how."""

    name: str
    predicted: str
    kind: Kind


@dataclass(slots=True)
class Gold:
    """The rows of gold: `values` by column, `chats` as text where they are at hand, in the same order."""

    name: str
    ids: list[str] = field(default_factory=list)
    values: list[Row] = field(default_factory=list)
    chats: list[str | None] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    bad: Unreadable = field(default_factory=Unreadable)

    @property
    def columns(self) -> list[str]:
        """Every column, in the order of the first row that has it."""
        return list(dict.fromkeys(name for row in self.values for name in row))


def gather(name: str, rows: Iterable[Row], bad: Unreadable) -> Gold:
    """Gold of `rows`; of two with the same id the first counts. Raises AttuneError where none has an id."""
    gold, seen = Gold(name, bad=bad), set[str]()
    for number, row in enumerate(rows, start=1):
        try:
            key = row_id(row)
        except ValueError as error:
            bad.add(f"row {number}", str(error))
            continue
        if key in seen:
            gold.doubled.append(key)
            continue
        seen.add(key)
        chat = chat_of(row)
        gold.ids.append(key)
        gold.chats.append(chat.text if chat else None)
        gold.values.append({key: value for key, value in row.items() if not (chat and key in _CHAT)})
    if not gold.ids:
        why = f" ({bad.first[0]})" if bad.first else ", it is empty"
        raise AttuneError(f"{name}: not one row with an id{why}; gold is a row per id with what is right")
    return gold


def chat_of(row: Row) -> Chat | None:
    """The chat in a row of gold; a user id may be missing."""
    if not any(name in row for name in _CHAT[:3]):
        return None
    try:
        return parse_chat(json.dumps({"user_id": "-", **row}, default=str).encode())
    except BadChat:
        return None


def fields_of(gold: Gold, asked: Sequence[str], predicted: Collection[str], has_text: bool) -> list[Field]:
    """What is scored: the columns `asked` for (NAME[=PREDICTED][:KIND]), else all that predictions have too.

    A run that wrote texts without a name (`has_text`) is scored against the one column of texts there is.
    Raises AttuneError where that is not clear, or a column is not there.
    """
    if asked:
        return [_asked(gold, each) for each in asked]
    scored = [name for name in gold.columns if name not in _NOT_SCORED]
    found = [each for name in scored if (each := _named(gold, name, predicted))]
    if found:
        return found
    texts = [name for name in scored if _kind(gold, name) in (Kind.TEXT, Kind.DRAFT)]
    if has_text and len(texts) == 1:
        return [Field(texts[0], texts[0], Kind.TEXT)]
    told = ", ".join(scored) or "none"
    wrote = "texts without a name" if has_text else f"the columns {', '.join(sorted(predicted)) or 'none'}"
    raise AttuneError(
        f"{gold.name} has {told} to be scored, and the predictions have {wrote}: say which belong together "
        "with --field GOLD=PREDICTED"
    )


def _named(gold: Gold, name: str, predicted: Collection[str]) -> Field | None:
    kind = _kind(gold, name)
    other = "draft" if name == "reply" and name not in predicted else name
    return Field(name, other, kind) if kind and other in predicted else None


def _asked(gold: Gold, text: str) -> Field:
    names, _, kind = text.partition(":")
    name, _, predicted = names.partition("=")
    if name not in gold.columns:
        raise AttuneError(
            f"--field {text}: {gold.name} has no column {name!r}, only {', '.join(gold.columns)}"
        )
    if kind and kind not in list(Kind):
        raise AttuneError(f"--field {text}: {kind!r} is none of {', '.join(Kind)}")
    found = Kind(kind) if kind else _kind(gold, name)
    values = [row.get(name) for row in gold.values if row.get(name) is not None]
    if found is None or (found is Kind.LABEL and len({label(each) for each in values}) > MOST):
        raise AttuneError(f"--field {text}: {name} is neither a text nor a label of at most {MOST} kinds")
    return Field(name, predicted or name, found)


def _kind(gold: Gold, name: str) -> Kind | None:
    """What the values of a column look like; None for numbers and much else."""
    values = [row.get(name) for row in gold.values if row.get(name) is not None]
    if not values:
        return None
    different = Counter(label(each) for each in values)
    few = len(different) <= MOST
    if all(isinstance(each, bool | int | list) for each in values):
        return Kind.LABEL if few else None
    if not all(isinstance(each, str) for each in values):
        return None
    if name == "reply":
        return Kind.DRAFT
    short = max(map(len, different)) <= _LABEL_CHARS
    return Kind.LABEL if few and short and len(values) >= 2 * len(different) else Kind.TEXT


def classes(values: Iterable[Any]) -> list[str]:
    """The labels that occur, numbers by size and others by name."""
    found = {label(each) for each in values if each is not None}
    return sorted(found, key=_order)


def _order(name: str) -> tuple[bool, float, str]:
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name


def language_of_row(row: Mapping[str, Any]) -> str | None:
    """The language a row says it is in."""
    value = row.get("language")
    return value if isinstance(value, str) and value else None
