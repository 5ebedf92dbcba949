"""Sending: approved replies go from the outbox to the outlet, each when it is due, until they arrive."""

from __future__ import annotations

import logging
import threading
import uuid

from attune.desk.backoff import retry_s
from attune.errors import AttuneError
from attune.replies import NotSent, NotWanted, Outlet
from attune.store import Store
from attune.store.desk.outbox import Parcel

log = logging.getLogger(__name__)

LEASE_S = 60.0
MAX_TRIES = 30
"""With pauses up to five minutes some hour passes; then a person must look."""
_AT_ONCE = 16
_POLL_S = 0.5


class Sending:
    """Gives an outlet the replies that are due, from a thread of its own, until it is closed.

    At least once: a reply is marked after the outlet has it. One that fails is tried again, later and later,
    and holds up no other; one that is refused, or failed MAX_TRIES times, stays for a person to see.
    """

    def __init__(self, outlet: Outlet, store: Store, lease_s: float = LEASE_S, first_s: float = 1.0) -> None:
        self._outlet, self._store = outlet, store
        self._owner = uuid.uuid4().hex
        self._lease_s, self._first_s = lease_s, first_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="attune-send", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends after the reply in hand; what it held otherwise is free when its lease runs out."""
        self._closing.set()
        self._thread.join()
        self._outlet.close()

    def _loop(self) -> None:
        while not self._closing.is_set():
            try:
                sent = send_due(self._outlet, self._store, self._owner, self._lease_s, self._first_s)
            except AttuneError as error:
                log.warning("Replies wait: %s", error, extra={"action": "sending_failed"})
                sent = 0
            if not sent:
                self._closing.wait(_POLL_S)


def send_due(outlet: Outlet, store: Store, owner: str, lease_s: float = LEASE_S, first_s: float = 1.0) -> int:
    """Send what is due, a few at once; how many were tried. Raises StoreError."""
    # One at a time in hand: a receiver that hangs must not let the leases of others run out.
    tried = 0
    while tried < _AT_ONCE and (parcels := store.outbox.take(owner, 1, lease_s)):
        _send(outlet, store, parcels[0], owner, first_s)
        tried += 1
    return tried


def _send(outlet: Outlet, store: Store, parcel: Parcel, owner: str, first_s: float) -> None:
    try:
        outlet.send(parcel.reply)
    except NotSent as error:
        stuck = isinstance(error, NotWanted) or parcel.tries + 1 >= MAX_TRIES
        again_s = None if stuck else retry_s(parcel.tries, first_s)
        store.outbox.mark_failed(parcel, owner, str(error), again_s)
        level = logging.ERROR if stuck else logging.INFO
        told = {"action": "reply_stuck" if stuck else "reply_failed", "chat": parcel.number}
        log.log(level, "A reply was not sent: %s", error, extra=told)
        return
    store.outbox.mark_sent(parcel, owner)
