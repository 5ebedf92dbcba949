"""A question put to an engine: what of its answer is known already, and then the answer."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from typing import Any

from attune.engines import Engine
from attune.errors import EngineError
from attune.request import Completion, Request


class Question:
    """A request that is with the engine from now on, for `timeout_s` at most."""

    def __init__(self, engine: Engine, request: Request, timeout_s: float) -> None:
        self.began = time.monotonic()
        self._until = self.began + timeout_s
        self._told: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        told = replace(request, known=lambda name, value: self._told.put((name, value)))
        self._future = _submitted(engine, told)
        self._future.add_done_callback(lambda _: self._told.put(None))

    def choices(self) -> Iterator[tuple[str, Any]]:
        """The choices of the answer, each as soon as the engine knows it; an engine may tell none."""
        while True:
            try:
                told = self._told.get(timeout=self._left_s())
            except queue.Empty:
                return
            if told is None:
                return
            yield told[0], json.loads(told[1])

    def answer(self) -> Completion:
        """The whole answer. Raises TimeoutError when it does not come in time, and EngineError for
        whatever else an engine ends in: it may be anybody's code."""
        try:
            return self._future.result(timeout=self._left_s())
        except (EngineError, TimeoutError):
            raise
        except CancelledError as error:
            raise EngineError("the engine gave the request up") from error
        except Exception as error:
            raise EngineError(f"{type(error).__name__}: {error}") from error
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Gives the request up; nothing happens if it is answered."""
        self._future.cancel()

    def _left_s(self) -> float:
        return max(0.0, self._until - time.monotonic())


def _submitted(engine: Engine, request: Request) -> Future[Completion]:
    try:
        return engine.submit(request)
    except Exception as error:  # noqa: BLE001 - an engine should not raise here; if it does, one chat fails
        failed: Future[Completion] = Future()
        failed.set_exception(error)
        return failed
