"""What the desk does not do, said to the person who asked: what is the case, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from attune.errors import AttuneError


class Refused(AttuneError):
    """The desk does not do that now; nothing was changed."""

    exit_code = 1


class Unknown(Refused):
    """There is no such item, decision or person."""


class Taken(Refused):
    """Another person has the item, for now or because it was handed to them."""

    def __init__(self, holder: str, until: float | None) -> None:
        how = "has this item now" if until is not None else "was given this item"
        super().__init__(f"{holder} {how}. Your text is kept; take another item, or ask {holder}.")
        self.holder = holder
        self.until = until
        """When the lease ends, in seconds since 1970; None where the item was handed over."""


class LeaseLost(Refused):
    """The lease ran out or was given back, and what was asked needs it."""

    def __init__(self, holder: str | None) -> None:
        who = f"{holder} has the item now" if holder else "nobody has it: claim it again and go on"
        super().__init__(f"Your lease on this item has ended, and {who}. Your text is kept.")
        self.holder = holder


class Decided(Refused):
    """The item was decided before."""

    def __init__(self, person: str, status: str) -> None:
        super().__init__(f"{person} has decided this item already: {status}. Your text is kept.")
        self.person = person
        self.status = status


class GoneOut(Refused):
    """Too late to undo."""

    def __init__(self) -> None:
        super().__init__("This cannot be undone any more: it has gone out, or its time to undo is over.")


class SavedElsewhere(Refused):
    """The working draft was saved from another window since; that text is `text`, version `version`."""

    def __init__(self, text: str, version: int) -> None:
        super().__init__("This text was changed in another window. Copy yours, then load that one.")
        self.text = text
        self.version = version


class StaleReason(StrEnum):
    """How the chat moved on after its draft was written."""

    NEWER_CHAT = "newer_chat"
    OTHER_WORDS = "other_words"
    READ_AGAIN = "read_again"
    ANSWERED = "answered"


IN_WORDS = {
    StaleReason.NEWER_CHAT: "a later chat of the same customer has come in",
    StaleReason.OTHER_WORDS: "the same chat has come in again with other words",
    StaleReason.READ_AGAIN: "a newer version of the task has read this chat again",
    StaleReason.ANSWERED: "a reply to this chat was approved before",
}


class Stale(Refused):
    """The chat moved on, and that was not acknowledged: `reasons` are what to acknowledge."""

    def __init__(self, reasons: Sequence[StaleReason]) -> None:
        told = "; ".join(IN_WORDS[reason] for reason in reasons)
        super().__init__(f"This draft may be out of date: {told}. Look at it, then approve it all the same.")
        self.reasons = tuple(reasons)
