"""The port every engine implements: text in, text out, many requests in flight."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from attune.request import Completion, Request


class Engine(Protocol):
    """Runs a model.

    `submit` may be called from any thread, never blocks on the model and never raises; requests in
    flight share one running batch. The future ends in a Completion or an EngineError, in any order
    across requests, and a request whose future is cancelled gives up its place. `close` lets nothing
    new in, ends what is in flight with an EngineError, and may be called twice.
    """

    @property
    def model(self) -> str:
        """The model's id, as it is written on every row it made."""

    def submit(self, request: Request) -> Future[Completion]: ...

    def close(self) -> None: ...
