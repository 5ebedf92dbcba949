"""Replies that stay in the store, for others to read in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Queue:
    """Sends nothing anywhere: that a reply is marked as sent makes it readable, by `store.outbox.sent`."""

    name = "queue:"

    def send(self, reply: Mapping[str, Any]) -> None:
        """The mark that follows is all."""

    def close(self) -> None:
        """Nothing is open."""
