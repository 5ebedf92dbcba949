"""Feeds: where a run takes its items from, each leased in the store before it is worked on."""

from __future__ import annotations

import time
from typing import Protocol

from attune.chat import parse_chat, raw_key
from attune.errors import BadChat
from attune.handle import Acts
from attune.limits import Limits
from attune.sources import Source
from attune.store import Admitted, Input, Store

_POLL_S = 0.1
_MOST_HELD = 256
_NOTHING = Admitted((), 0, ())


class Feed(Protocol):
    """Where a run takes its items from; each is leased to `owner` in the store from then on."""

    def take(self, most: int) -> Admitted | None:
        """Up to `most` items, or none now; None when there will never be more."""


class QueueFeed:
    """The store's own queue. It ends when nothing waits, unless it is followed."""

    def __init__(self, store: Store, acts: Acts, limits: Limits, owner: str, follow: bool) -> None:
        self._store = store
        self._acts, self._owner, self._lease_s = acts, owner, limits.lease_s
        self._follow = follow

    def take(self, most: int) -> Admitted | None:
        taken = self._store.claim(most, *claimant(self._acts, self._owner, self._lease_s))
        if taken.items or taken.repeated:
            return taken
        if not self._follow and self._store.waiting() == 0:
            return None
        time.sleep(_POLL_S)
        return taken


class SourceFeed:
    """A source. Its inputs are acknowledged as soon as they stand, leased, in the store.

    Inputs that another live worker holds are looked at again until they are done or its lease ran out,
    so that a run's counts cover every input it read. The source waits while there are many of them. Where the
    source forgets what was acknowledged, what a run took from it that died is taken from the queue.
    """

    def __init__(self, source: Source, store: Store, acts: Acts, limits: Limits, owner: str) -> None:
        self._source = source
        self._store = store
        self._acts, self._owner = acts, owner
        self._max_bytes = limits.max_chat_bytes
        self._queue = QueueFeed(store, acts, limits, owner, follow=False) if source.forgets else None
        self._lease_s, self._look_at = limits.lease_s, 0.0
        self._held: tuple[Input, ...] = ()
        self._ended = False

    def take(self, most: int) -> Admitted | None:
        if self._queue is not None and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + self._lease_s
            left = self._store.claim(most, *self._claimant())
            if left.items or left.repeated:
                return left
        if not self._ended and len(self._held) < _MOST_HELD:
            deliveries = self._source.receive(most, _POLL_S)
            if deliveries:
                inputs = [identify(d.raw, d.ref, self._max_bytes) for d in deliveries]
                taken = self._store.admit(inputs, *self._claimant())
                self._source.ack(deliveries)
                self._held += taken.held
                return taken
            self._ended = deliveries is None
        if self._held:
            return self._look_again(most)
        if not self._ended:
            return _NOTHING
        return self._queue.take(most) if self._queue is not None else None

    def _look_again(self, most: int) -> Admitted:
        time.sleep(_POLL_S)
        taken = self._store.admit(self._held[:most], *self._claimant())
        self._held = self._held[most:] + taken.held
        return taken

    def _claimant(self) -> tuple[str, frozenset[str], str, float]:
        return claimant(self._acts, self._owner, self._lease_s)


def claimant(acts: Acts, owner: str, lease_s: float) -> tuple[str, frozenset[str], str, float]:
    """What the store is told of who takes inputs: asked each time, since arms come and go."""
    return acts.main.task.name, acts.versions, owner, lease_s


def identify(raw: bytes, ref: str, max_bytes: int) -> Input:
    """What the store knows an input by: the chat's id and digest, or a hash where it is no chat."""
    try:
        chat = parse_chat(raw, max_bytes)
    except BadChat:
        key = raw_key(raw)
        return Input(key=key, digest=key.removeprefix("sha256:"), raw=raw, ref=ref)
    return Input(key=chat.id, digest=chat.digest, raw=raw, ref=ref, chat=chat)
