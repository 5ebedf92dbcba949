"""The stream: many chats in flight from a source, each handled, written durably, then acknowledged."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from attune.chat import Chat, parse_chat, raw_key
from attune.errors import AttuneError, BadChat, EngineError
from attune.handle import Act, handle
from attune.outcome import Outcome, Place, Reason
from attune.sources import Delivery, Source
from attune.store import Input, Item, Store

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is in flight, and when to give up."""

    in_flight: int = 32
    lease_s: float = 3.0
    max_chat_bytes: int = 8_000_000
    max_claims: int = 25
    max_engine_failures: int = 50
    """So many chats in a row ended by a failing engine stop the run: it is not the chats."""


@dataclass(slots=True)
class Counts:
    """What became of the inputs: read = table + review + dead + repeated."""

    read: int = 0
    table: int = 0
    review: int = 0
    dead: int = 0
    repeated: int = 0
    """Inputs that were done before, or are in another worker's hands."""
    asked_again: int = 0
    first_s: float | None = None
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def settled(self) -> int:
        return self.table + self.review + self.dead

    @property
    def reconciled(self) -> bool:
        return self.read == self.settled + self.repeated
