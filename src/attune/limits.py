"""The bounds of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is in flight, and when to give up."""

    in_flight: int = 32
    lease_s: float = 3.0
    max_chat_bytes: int = 8_000_000
    max_claims: int = 25
    """A chat taken up so often without an end is what its workers died of: a dead letter."""
    max_engine_failures: int = 50
    """So many chats in a row ended by a failing engine stop the run: it is not the chats."""
