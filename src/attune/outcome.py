"""Where one chat ended: a table row, a review item or a dead letter; and how it got there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Place(StrEnum):
    TABLE = "table"
    REVIEW = "review"
    DEAD = "dead"


class Reason(StrEnum):
    """Why an input is a dead letter."""

    BAD_INPUT = "bad_input"
    DUPLICATE_ID = "duplicate_id"
    UNREADABLE_ANSWER = "unreadable_answer"
    ENGINE_FAILED = "engine_failed"
    ENGINE_TIMEOUT = "engine_timeout"
    WORKER_DIED = "worker_died"


ENGINE_REASONS = frozenset({Reason.ENGINE_FAILED, Reason.ENGINE_TIMEOUT})
"""The reasons that are the engine's fault, and not the chat's or the answer's."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One question put to the engine: its answer's text, and what was wrong with it ("" if nothing was)."""

    task: str
    seed: int
    text: str
    error: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one end of one input.

    `key` is the chat's id, or a hash of the raw bytes where no id could be read; with the task and its
    version it names the row. `digest` tells whether the same key came with the same words.
    """

    place: Place
    key: str
    digest: str
    task: str
    task_version: str
    chat: Mapping[str, Any] | None = None
    """The chat as JSON; None where the input could not be read as one."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The verdict: a value for each field of the task."""
    confidence: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    """What a reader of the row should know: "shortened: 12 lines left out", "ungrounded: 48213", …"""
    draft: str | None = None
    reason: Reason | None = None
    detail: str = ""
    attempts: tuple[Attempt, ...] = ()
    model: str = ""
    """Which read it; where another model drafted, both: "small > large"."""
    arm: str = ""
    """Which side of a split handled it; "" where none did."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    first_slot_s: float = 0.0
    total_s: float = 0.0

    @property
    def engine_failed(self) -> bool:
        """Whether it is dead by the engine's fault, and not by the chat's or the answer's."""
        return self.reason in ENGINE_REASONS

    @property
    def asked_again(self) -> int:
        """How many answers did not fit, or did not come."""
        return sum(1 for attempt in self.attempts if attempt.error)
