"""The port every outlet of approved replies implements: one reply at a time, at least once, under its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from attune.errors import AttuneError


class NotSent(AttuneError):
    """The reply was not sent, as far as is known; the same will be tried again."""

    exit_code = 1


class NotWanted(NotSent):
    """The receiver refuses this very reply: to send it again is of no use, a person must look."""


class Outlet(Protocol):
    """Takes replies, one after the other, from one thread.

    `send` returns when the receiver has the reply durably, or raises NotSent. A reply may come again under
    the same `idempotency_key`, after a failure that did not tell whether it arrived, or a crash: a receiver
    that keeps the keys it has seen sees each reply once. Nothing is connected before the first `send`.
    """

    @property
    def name(self) -> str:
        """The address without passwords, as it is told to people."""

    def send(self, reply: Mapping[str, Any]) -> None: ...

    def close(self) -> None:
        """Ends connections; a second call does nothing."""
