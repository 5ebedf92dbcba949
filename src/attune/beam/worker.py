"""The arms of one worker process: each engine is loaded once and shared by all threads and bundles."""

from __future__ import annotations

import threading
from functools import cache

from attune import connect
from attune.arms import Split
from attune.beam.lasting import LastingEngine
from attune.serving import Asking, Engines, Serving

__all__ = ["Arms", "Asking", "arms", "engines"]

_ARMS: dict[str, Arms] = {}
_LOCK = threading.Lock()


class Arms:
    """The arms of one transform in this process: a newer split takes over once it is loaded."""

    def __init__(self, split: Split, asking: Asking) -> None:
        self.serving = Serving(split, asking, engines(asking))
        self._seen = split.version
        self._loading: threading.Thread | None = None
        self._lock = threading.Lock()

    def offer(self, split: Split) -> None:
        """Begins to load `split` if it is newer than all before; the old one serves until it is there."""
        with self._lock:
            if split.version > self._seen and (self._loading is None or not self._loading.is_alive()):
                self._seen = split.version
                load = (split,)
                self._loading = threading.Thread(
                    target=self.serving.follow, args=load, name="attune-load", daemon=True
                )
                self._loading.start()


def arms(transform: str, split: Split, asking: Asking) -> Arms:
    """The arms of the transform of that id, loaded by whoever asks first, with `split`."""
    with _LOCK:
        if transform not in _ARMS:
            _ARMS[transform] = Arms(split, asking)
        return _ARMS[transform]


@cache
def engines(asking: Asking) -> Engines:
    """The engines of this process that are asked so."""
    # Half of what an answer may take: a second try that waits for it has the rest.
    patience_s = asking.timeout_s / 2
    return Engines(lambda address: LastingEngine(lambda: connect.engine(address), patience_s))
