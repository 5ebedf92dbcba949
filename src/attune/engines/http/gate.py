"""How many requests are out at once, when to hold all of them back, and which may be tried again."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_FIRST = 16.0
_CUT = 0.5
_BASE_S = 0.25
_MOST_S = 8.0
LONGEST_PAUSE_S = 60.0
"""Who says to come again later than that is not waited for."""
_EARLY_S = 0.01
"""A timer may ring so much before its time."""
_COUNTED = ("requests", "tokens")
_FULL = 100.0
_A_SUCCESS = 0.1
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS_S = (3600, 60, 1, 0.001)


class Gate:
    """Lets as many requests out as the server bears: additive increase, multiplicative decrease (Chiu and
    Jain 1989), with TCP's slow start before the first sign of congestion (RFC 5681).

    Each answer lets one more out, and after the first sign one more in each round of them; a refusal for
    want of room (429, 503) or a timeout halves the number, once for all that were out by then. Latency is
    no sign: a server that batches answers each request later and more of them in all.

    First come, first let out. To be used in one event loop.
    """

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._limit = min(_FIRST, self._most)
        self._starting = True
        self._out = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._until = 0.0
        self._cut_at = 0.0

    @property
    def limit(self) -> int:
        return int(self._limit)

    async def enter(self) -> float:
        """Waits to be let out; the time it was, to be given to `congested`."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        self._let_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise
        return loop.time()

    def leave(self) -> None:
        self._out -= 1
        self._let_out()

    def answered(self) -> None:
        """Makes room for more, if what there is was used."""
        if self._out >= self._limit / 2:
            self._limit = min(self._most, self._limit + (1.0 if self._starting else 1.0 / self._limit))

    def congested(self, since: float) -> None:
        """A request that was let out at `since` found no room."""
        if since >= self._cut_at:
            self._limit = max(1.0, self._limit * _CUT)
            self._starting = False
            self._cut_at = asyncio.get_running_loop().time()

    def pause(self, seconds: float) -> None:
        """Lets nobody out for so long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if until > self._until:
            self._until = until
            loop.call_at(until, self._let_out)

    def _let_out(self) -> None:
        if asyncio.get_running_loop().time() + _EARLY_S < self._until:
            return
        while self._waiting and self._out < int(self._limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self._out += 1
                turn.set_result(None)


class Budget:
    """Which failures may be tried again: as gRPC's retry throttling (proposal A6), a failure costs one, an
    answer gives a tenth back, and below half nothing is tried again, so that a server that is down meets
    each request once."""

    def __init__(self) -> None:
        self._left = _FULL

    def failed(self) -> bool:
        """Whether there may be another try."""
        self._left = max(0.0, self._left - 1.0)
        return self._left > _FULL / 2

    def answered(self) -> None:
        self._left = min(_FULL, self._left + _A_SUCCESS)


def backoff_s(tries: int) -> float:
    """Before the next try, after `tries`: exponential with full jitter (Brooker 2015, AWS)."""
    return random.uniform(0, min(_MOST_S, _BASE_S * 2**tries))  # noqa: S311 - no secret


def asked_s(headers: Mapping[str, str]) -> float:
    """How long the server asks to be left alone: Retry-After, or x-ratelimit-reset-… of what is used up."""
    told = {name.lower(): text for name, text in headers.items()}
    names = ["retry-after"]
    names += [
        f"x-ratelimit-reset-{what}" for what in _COUNTED if told.get(f"x-ratelimit-remaining-{what}") == "0"
    ]
    return max(_seconds(told.get(name, "")) for name in names)


def _seconds(text: str) -> float:
    """Of "30", "1.5", "6m0s", "20ms", or until a date of HTTP's; 0 for all else."""
    found = _DURATION.fullmatch(f"{text}s" if text.replace(".", "", 1).isdecimal() else text)
    if found:
        return sum(float(part or 0) * size for part, size in zip(found.groups(), _UNITS_S, strict=True))
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0
