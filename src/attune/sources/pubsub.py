"""A Google Pub/Sub subscription, read by streaming pull."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attune.address import load, parse_address
from attune.errors import AttuneError, told
from attune.sources import Delivery

if TYPE_CHECKING:
    from google.cloud.pubsub_v1.subscriber.message import Message

FORM = "pubsub://project/subscription"
_IDLE_S = 10.0
_MESSAGES, _BYTES = 1000, 100 << 20
_LEASE_S = 3600.0
_CLOSE_S = 10.0


class PubSub:
    """The messages of a subscription; those of one ordering key in their order.

    A message is acknowledged when its input is, and its lease is extended until then, for an hour at most.
    What was given and not acknowledged when this closes goes back at once, which counts as an attempt
    where the subscription has a dead-letter topic. Without `follow` it ends when nothing has come for
    `idle_s` seconds: a subscription has no end. Raises AttuneError if it cannot be read.
    """

    forgets = True

    def __init__(self, address: str, follow: bool = False) -> None:
        library = load("google.cloud.pubsub_v1", "pubsub")
        parsed = parse_address(address, FORM)
        parsed.check_options(("idle_s",))
        self._shown = parsed.shown
        self._follow = follow
        self._idle_s = parsed.number("idle_s", _IDLE_S)
        self._arrived: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._given: dict[str, Message] = {}
        self._last = time.monotonic()
        flow = library.types.FlowControl(
            max_messages=_MESSAGES, max_bytes=_BYTES, max_lease_duration=_LEASE_S
        )
        try:
            self._client: Any = library.SubscriberClient()
            path = self._client.subscription_path(parsed.where, parsed.name)
            self._pull = self._client.subscribe(path, self._arrived.put, flow_control=flow)
        except Exception as error:  # the library's credentials, transport and settings each have their own
            raise self._unreadable(error) from error

    def receive(self, most: int, wait_s: float) -> list[Delivery] | None:
        found = self._messages(most, wait_s)
        if found:
            self._last = time.monotonic()
            self._given |= {message.ack_id: message for message in found}
            return [Delivery(each.data, f"{self._shown}@{each.message_id}", each.ack_id) for each in found]
        if self._pull.done() and (error := self._pull.exception()) is not None:
            raise self._unreadable(error) from error
        idle = time.monotonic() - self._last >= self._idle_s
        return None if idle and not self._follow else []

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            assert isinstance(each.receipt, str)
            self._given.pop(each.receipt).ack()

    def fraction(self) -> float | None:
        """A subscription has no end."""
        return None

    def close(self) -> None:
        for message in (*self._given.values(), *self._messages(1_000_000, 0.0)):
            message.nack()
        self._given.clear()
        self._pull.cancel()
        with suppress(Exception):  # what it ended with was said by receive, or hinders nobody any more
            self._pull.result(_CLOSE_S)
        self._client.close()

    def _messages(self, most: int, wait_s: float) -> list[Message]:
        found: list[Message] = []
        try:
            found.append(self._arrived.get(timeout=wait_s) if wait_s > 0 else self._arrived.get_nowait())
            while len(found) < most:
                found.append(self._arrived.get_nowait())
        except queue.Empty:
            pass
        return found

    def _unreadable(self, error: BaseException) -> AttuneError:
        return AttuneError(f"{self._shown} cannot be read: {told(error)}")
