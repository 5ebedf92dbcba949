"""The port every source implements: raw inputs, acknowledged once what came of them is durable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Delivery:
    """One input as it came: its bytes, and where it came from in a person's words ("chats.jsonl:17")."""

    raw: bytes
    ref: str
    receipt: object = None
    """What the source needs to acknowledge it; nobody else looks inside."""


class Source(Protocol):
    """Gives inputs at least once each, in order as far as the source has one.

    `receive` waits up to `wait_s` for the first input, and gives up to `most`; an empty list means
    "nothing now", None "nothing ever again". `ack` says that these inputs are durable elsewhere; what
    was received and never acknowledged is given again after a restart. All calls come from one thread.
    """

    forgets: bool
    """What was acknowledged is never given again: what a dead run had taken up is in the store alone."""

    def receive(self, most: int, wait_s: float) -> list[Delivery] | None: ...

    def ack(self, deliveries: Sequence[Delivery]) -> None: ...

    def fraction(self) -> float | None:
        """How much has been read, 0 to 1, where the source has an end that is known."""

    def close(self) -> None: ...
