"""What goes through a pipeline: an input with its chat, and an outcome with what a replay of it needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from attune.chat import Chat
from attune.errors import BadConfig
from attune.feed import identify
from attune.limits import Limits
from attune.outcome import Outcome, Place
from attune.store import Input, Item

_FIELDS = tuple(field.name for field in fields(Outcome))
_NO_ROW = 0
"""The store's inbox knows nothing of what comes through a pipeline, and no row has this number."""


@dataclass(frozen=True, slots=True)
class Ended(Outcome):
    """An outcome; of a dead letter also the bytes that came in, and where from."""

    raw: bytes = b""
    ref: str = ""

    @property
    def item(self) -> Item:
        """The input, as the store wants it beside its outcome."""
        raw = self.raw or json.dumps(dict(self.chat or {})).encode()
        key = self.key.removesuffix(f"~{self.digest[:8]}")
        return Item(key, self.digest, raw, self.ref, id=_NO_ROW, claims=1, conflict=False)


def ended(item: Item, outcome: Outcome) -> Ended:
    values = {name: getattr(outcome, name) for name in _FIELDS}
    kept = {"raw": item.raw, "ref": item.ref} if outcome.place is Place.DEAD else {}
    return Ended(**values | kept)


def item_of(  # noqa: PLR0911 - one for each form
    element: object, max_chat_bytes: int = Limits().max_chat_bytes
) -> Item:
    """The input in `element`: a Chat, the bytes or text of one as JSON, or the same as an object.

    What can't be read as a chat is an item too, and becomes a dead letter where it is handled. Raises
    BadConfig for an element of a type that no chat has: the pipeline is wired wrongly.
    """
    match element:
        case Item():
            return element
        case Input():
            return _item(element)
        case Chat():
            raw = json.dumps(element.to_json(), ensure_ascii=False).encode()
            return _item(Input(element.id, element.digest, raw, "", element))
        case bytes():
            return _item(identify(element, "", max_chat_bytes))
        case str():
            return _item(identify(element.encode("utf-8", "surrogatepass"), "", max_chat_bytes))
        case Mapping():
            return _item(identify(json.dumps(dict(element)).encode(), "", max_chat_bytes))
        case (str() as ref, bytes() | str() as inner):
            return replace(item_of(inner, max_chat_bytes), ref=ref)
    raise BadConfig(f"a {type(element).__name__} is no chat: give Chat, bytes, text, or a mapping")


def _item(given: Input) -> Item:
    return Item(
        given.key, given.digest, given.raw, given.ref, given.chat, id=_NO_ROW, claims=1, conflict=False
    )


def sort_key(item: Item) -> tuple[Any, ...]:
    """The order of inputs: by file and line where they came from one, else by their words."""
    place, _, line = item.ref.rpartition(":")
    return (place, int(line), "") if line.isdigit() else (item.ref, 0, item.digest)
