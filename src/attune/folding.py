"""Folding: what was settled is counted into the desk's figures and made findable, a little later."""

from __future__ import annotations

import logging
import threading

from attune.errors import AttuneError
from attune.store import Store

log = logging.getLogger(__name__)

_POLL_S = 1.0
_PAUSE_S = 10.0


class Folding:
    """Folds settled chats in, from a thread of its own, until it is closed.

    Any number of processes may do it on one store: each chat is counted once.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="attune-fold", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends after the transaction in hand."""
        self._closing.set()
        self._thread.join()

    def _loop(self) -> None:
        pause_s = 0.0
        while not self._closing.wait(pause_s):
            try:
                # Asked first: a store in which nothing happens is not written to.
                left = self._store.insight.behind() and self._store.insight.fold(_POLL_S)
                pause_s = 0.0 if left else _POLL_S
            except AttuneError as error:
                log.warning("The figures wait: %s", error, extra={"action": "folding_failed"})
                pause_s = _PAUSE_S
