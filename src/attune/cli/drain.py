"""Ctrl-C and SIGTERM: once, what is in flight is finished; twice, the end."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_ONCE = b"\nattune: stopping: what is in flight is finished first; once more stops at once\n"


class Drain:
    """While it is entered, the first signal sets `event`, and the second ends the process.

    Ending at once loses nothing: what was not settled is in the store's queue.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def exit_code(self) -> int | None:
        """130 after Ctrl-C, 143 after SIGTERM, as shells count; None when nothing came."""
        return None if self.signal is None else 128 + self.signal

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            os._exit(128 + number)
        self.signal = number
        # Not print: the signal may have come in the middle of one.
        os.write(2, _ONCE)
        self.event.set()
