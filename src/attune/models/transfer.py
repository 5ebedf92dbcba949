"""How far a download is, in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

_TOLD_EVERY_S = 0.5


class Transfer:
    """What `huggingface_hub` takes for a bar of tqdm: tells `watch` what came, rate and time left."""

    def __init__(
        self, watch: Callable[[str], None], *, desc: str, total: int | None, initial: int = 0, **_: Any
    ) -> None:
        self._watch, self._name, self._total = watch, desc, total
        self._had, self._came = initial, 0
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, count: float) -> None:
        """Takes in `count` bytes more."""
        self._came += int(count)
        now = time.monotonic()
        if now - self._told >= _TOLD_EVERY_S:
            self._told = now
            self._watch(told(self._name, self._had, self._came, self._total, now - self._began))


def told(name: str, had: int, came: int, total: int | None, seconds: float) -> str:
    """`came` bytes of the file `name` in `seconds`, and `had` before, of `total`."""
    rate = came / seconds if seconds else 0.0
    if not total:
        return f"{name}: {(had + came) / 1e9:.2f} GB, {rate / 1e6:.1f} MB/s"
    left = round((total - had - came) / rate) if rate else 0
    return (
        f"{name}: {(had + came) / 1e9:.2f} of {total / 1e9:.2f} GB, {rate / 1e6:.1f} MB/s, "
        f"{left // 60}:{left % 60:02} left"
    )
