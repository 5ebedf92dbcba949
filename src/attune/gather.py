"""Gathering: what comes within a moment is written together, since a sync costs as much as a small chat."""

from __future__ import annotations

import queue
import time
from typing import TypeVar

T = TypeVar("T")
_LINGER_S = 0.1
"""The first waits so long for others to be written with it."""


def gather(come: queue.SimpleQueue[T | None], most: int) -> list[T] | None:
    """The next of what comes, at most `most` together; None, the end, is left behind what came before."""
    first = come.get()
    if first is None:
        return None
    group, until = [first], time.monotonic() + _LINGER_S
    while len(group) < most and (left_s := until - time.monotonic()) > 0:
        try:
            following = come.get(timeout=left_s)
        except queue.Empty:
            break
        if following is None:
            come.put(None)
            break
        group.append(following)
    return group
