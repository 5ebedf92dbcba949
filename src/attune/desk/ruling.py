"""Rulings: what a person says about a drafted reply, and what it comes to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from attune.desk.difference import edit_distance, units
from attune.desk.refusal import Refused, StaleReason

MAX_CHARS = 20_000


class Kind(StrEnum):
    """What a ruling came to."""

    APPROVED = "approved"
    """As the model drafted it."""
    EDITED = "edited"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Approve:
    """Send `text`, or the draft as it is where it is None.

    Where the model drafted again on the person's `instruction`, `draft` is what it wrote last.
    """

    text: str | None = None
    draft: str | None = None
    instruction: str = ""
    acknowledged: Collection[StaleReason] = ()
    """How the chat moved on, as far as the person was told and approves all the same."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Send nothing: `reason` is one of the list, `words` are the person's own."""

    reason: str
    words: str = ""


Ruling = Approve | Reject


@dataclass(frozen=True, slots=True)
class Judged:
    """A ruling beside its draft: `distance` of the draft's `units` (words) were changed."""

    kind: Kind
    draft: str
    text: str
    distance: int
    units: int


def judge(ruling: Ruling, draft: str) -> Judged:
    """What `ruling` comes to. Raises Refused for a reply that is empty or longer than MAX_CHARS."""
    if isinstance(ruling, Reject):
        if not ruling.reason.strip():
            raise Refused("A rejection needs a reason: choose one of the list.")
        return Judged(Kind.REJECTED, plain(draft), "", 0, len(units(draft)))
    before = plain(draft if ruling.draft is None else ruling.draft)
    text = before if ruling.text is None else plain(ruling.text)
    if not text:
        raise Refused("There is no reply to approve: write one, or reject the draft.")
    if len(text) > MAX_CHARS:
        raise Refused(f"The reply has {len(text):,} characters; at most {MAX_CHARS:,} can be sent.")
    distance = edit_distance(units(before), units(text))
    kind = Kind.APPROVED if text == before else Kind.EDITED
    return Judged(kind, before, text, distance, len(units(before)))


def plain(text: str) -> str:
    """`text` as it is compared and sent: a browser's line ends and the white space around it are no edit."""
    return text.replace("\r\n", "\n").strip()
