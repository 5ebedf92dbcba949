"""When each chat of a pipeline had its outcome."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

_MOMENTS: list[float] = []


@dataclass(frozen=True)
class Took:
    """Seconds in all, and for each chat from the start of the pipeline until its outcome."""

    seconds: float
    each: list[float]

    @property
    def rate(self) -> float:
        return len(self.each) / self.seconds


class Ends:
    """Notes the moments in this process, where the direct runner runs, from when it is made on."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        _MOMENTS.clear()

    def note(self, _: Any) -> None:
        # A list of the module's: what an object holds would be pickled with it, and another one be written.
        _MOMENTS.append(time.perf_counter())

    def seconds(self) -> list[float]:
        return [moment - self._began for moment in _MOMENTS]
