"""Clients that go away: what was being done for them alone is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request

from attune.engines import Engine
from attune.errors import EngineError
from attune.request import Completion
from attune.request import Request as Question
from attune.serve.beginning import Beginning
from attune.serve.refusal import Refusal

Answer = TypeVar("Answer")


async def unless_gone(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """What `work` gives; when the client goes away first, `work` is cancelled. The body must be read."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Refusal(499, "The client went away.")
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Leash:
    """An engine for one client: what it was asked can be given up, and nothing is asked after that.

    `tell` is given each piece of text as it is written, and the number of the request it belongs to.
    """

    def __init__(self, engine: Engine, tell: Callable[[int, str], None] | None = None) -> None:
        self._engine, self._tell = engine, tell
        self._asked: list[Future[Completion]] = []
        self._ended = threading.Event()

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def lacks(self) -> frozenset[str]:
        return self._engine.lacks

    def submit(self, request: Question) -> Future[Completion]:
        future: Future[Completion] = Future()
        if self._ended.is_set():
            future.set_exception(EngineError("the client went away"))
            return future
        if self._tell is not None:
            tell = partial(self._tell, len(self._asked))
            request = replace(request, written=tell, known=Beginning(request.slots, tell).known)
        future = self._engine.submit(request)
        self._asked.append(future)
        if self._ended.is_set():  # meanwhile
            future.cancel()
        return future

    def give_up(self) -> None:
        self._ended.set()
        for future in list(self._asked):
            future.cancel()

    def close(self) -> None:
        """The engine is others' too."""
        self.give_up()
