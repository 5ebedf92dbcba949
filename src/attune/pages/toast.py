"""The toast: what a person did last, and for how long it can be undone."""

from __future__ import annotations

from typing import NamedTuple

from attune.pages.asked import Asked
from attune.store.desk.lease import Hand


class Toast(NamedTuple):
    """What was just done, and for how long it can be undone."""

    told: str
    seconds: float
    undo: str
    leave: Hand | None


def toast(asked: Asked, hand: Hand | None = None) -> Toast | None:
    """What the person did last, while it can be undone."""
    key, _, kind = asked.query("done").partition(".")
    told = {
        "approved": "Approved as it is.",
        "edited": "Approved with edits.",
        "rejected": "Rejected.",
        "handed": "Handed over.",
        "none": "Nothing is free.",
        "undone": "Undone: the item is yours again.",
    }.get(kind)
    if told is None:
        return None
    undo = f"{asked.root}/decisions/{key}/undo{asked.search}" if key.isalnum() else ""
    seconds = asked.desk.settings.undo_s if undo else 5.0
    return Toast(told, seconds, undo, hand)
