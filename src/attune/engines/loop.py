"""A thread with an event loop, in which an engine has all its requests out at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from attune.engines import as_engine_error, closed, failed
from attune.request import Completion

Answering = Callable[[], Coroutine[Any, Any, Completion]]


class Loop:
    """Runs requests, each a task that ends its future, whatever happens.

    `enter` is run in the loop's thread first, and what it raises is raised here; `leave` last, once every
    task has ended. A request whose future is cancelled has its task cancelled.
    """

    def __init__(
        self,
        name: str,
        leave: Callable[[], Awaitable[None]],
        enter: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._enter, self._leave = enter, leave
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        entered: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(entered,), name=f"attune-{name}", daemon=True)
        self._thread.start()
        entered.result()

    def submit(self, answering: Answering) -> Future[Completion]:
        """The future of what `answering`, called in the loop, returns or raises."""
        future: Future[Completion] = Future()
        return future if self._call(self._start, answering, future) else failed(closed())

    def close(self) -> None:
        """Ends what is in flight and lets nothing new in."""
        with self._lock:
            if not self._closing:
                self._loop.call_soon_threadsafe(self._end.set)
            self._closing = True
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _call(self, call: Callable[..., object], *given: object) -> bool:
        """Has the event loop make a call; False when it is closed."""
        with self._lock:
            if not self._closing:
                self._loop.call_soon_threadsafe(call, *given)
            return not self._closing

    def _run(self, entered: Future[None]) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(entered))

    async def _serve(self, entered: Future[None]) -> None:
        try:
            if self._enter is not None:
                await self._enter()
        except Exception as error:  # noqa: BLE001 - the boundary: raised in the thread that waits for it
            entered.set_exception(error)
            return
        entered.set_result(None)
        await self._end.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)
        await self._leave()

    def _start(self, answering: Answering, future: Future[Completion]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(answering, future))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        future.add_done_callback(lambda future: future.cancelled() and self._call(task.cancel))

    async def _answer(self, answering: Answering, future: Future[Completion]) -> None:
        try:
            completion = await answering()
        except asyncio.CancelledError:
            self._fail(future, closed())
        except Exception as error:  # noqa: BLE001 - the boundary: one request ends
            self._fail(future, error)
        else:
            if future.set_running_or_notify_cancel():
                future.set_result(completion)

    def _fail(self, future: Future[Completion], error: Exception) -> None:
        if future.set_running_or_notify_cancel():
            future.set_exception(as_engine_error(error))
