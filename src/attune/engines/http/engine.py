"""The engine: requests from any thread, one thread with an event loop that has all of them out."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from attune.decode.fit import shorten
from attune.engines import as_engine_error, closed, failed, refused
from attune.engines.http.answer import Answer, Garbled
from attune.engines.http.body import OPTIONAL, body, path
from attune.engines.http.exchange import Exchange, Refused, Setback, look_up
from attune.engines.http.gate import LONGEST_PAUSE_S, Budget, Gate, backoff_s
from attune.engines.http.server import Server
from attune.request import Completion, Request

log = logging.getLogger(__name__)
_TRIES = 5
_SHORTER = 0.75
"""A chat for which the context has no room loses a quarter of its letters, from its middle, and again."""


class HTTPEngine:
    """Asks a server with OpenAI's API, as many requests at once as it bears (see `Gate`).

    What fails on the way is tried again, with jitter, five times at most and within a budget; a server that
    counts requests (429) is waited for. A request whose future is cancelled closes its connection. What the
    server does not know of `OPTIONAL` is left out from then on, and that is logged once.

    Raises EngineError when there is no such server or model, or the key is wrong: the message says which.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._model, self._dialect = look_up(server)
        self._gate, self._budget = Gate(server.concurrency), Budget()
        self._without: frozenset[str] = frozenset()
        self._taken: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._exchange = Exchange(server)
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"attune-{self._model}", daemon=True)
        self._thread.start()

    @property
    def model(self) -> str:
        return self._model

    @property
    def lacks(self) -> frozenset[str]:
        return self._dialect.lacks

    def submit(self, request: Request) -> Future[Completion]:
        """Makes what is sent in the caller's thread; a request that cannot be gets a failed future."""
        if (refusal := refused(request, self.lacks, self._model)) is not None:
            return failed(refusal)
        try:
            self._body(request, request.prompt.lines, self._without)
        except Exception as error:  # noqa: BLE001 - the boundary: a bad request fails alone
            return failed(error)
        future: Future[Completion] = Future()
        if not self._call(self._start, request, future):
            return failed(closed())
        return future

    def close(self) -> None:
        with self._lock:
            if not self._closing:
                self._loop.call_soon_threadsafe(self._end.set)
            self._closing = True
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _call(self, call: Callable[..., object], *given: object) -> bool:
        """Has the event loop make a call; False when the engine is closed."""
        with self._lock:
            if not self._closing:
                self._loop.call_soon_threadsafe(call, *given)
            return not self._closing

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await self._end.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)
        await self._exchange.close()

    def _start(self, request: Request, future: Future[Completion]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(request, future))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        future.add_done_callback(lambda future: future.cancelled() and self._call(task.cancel))

    async def _answer(self, request: Request, future: Future[Completion]) -> None:
        """Ends `future`, whatever happens."""
        try:
            completion = await self._completed(request)
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

    async def _completed(self, request: Request) -> Completion:
        answer, without = Answer(request), self._without
        lines, dropped, tries = request.prompt.lines, 0, 0
        while True:
            sent = self._body(request, lines, without)
            since = await self._gate.enter()
            try:
                wait_s = await self._exchange.ask(path(request), sent, answer)
                completion = answer.completion(self._model, dropped)
            except Refused as refusal:
                wait_s = 0.0
                if unknown := {name for name in OPTIONAL & sent.keys() if name in str(refusal)}:
                    without |= unknown
                    self._learn(unknown, refusal)
                else:
                    lines, dropped = _shorter(lines, request, refusal)
            except (Setback, Garbled) as error:
                tries += not (isinstance(error, Setback) and error.limited)
                wait_s = self._again_in(error, since, tries, answer)
            else:
                self._taken |= OPTIONAL & sent.keys()
                self._gate.answered()
                self._gate.pause(min(wait_s, LONGEST_PAUSE_S))
                self._budget.answered()
                return completion
            finally:
                self._gate.leave()
            await asyncio.sleep(wait_s)

    def _body(self, request: Request, lines: tuple[str, ...], without: frozenset[str]) -> dict[str, Any]:
        return body(request, lines, self._model, self._dialect, without)

    def _learn(self, unknown: set[str], refusal: Refused) -> None:
        """Leaves out from now on what the server never took: else the fault is with this one request."""
        if unknown & self._taken or unknown <= self._without:
            return
        self._without |= unknown
        log.warning(
            "The server does not take %s, and is asked without: %s",
            ", ".join(sorted(unknown)),
            refusal,
            extra={"action": "engine_without"},
        )

    def _again_in(self, error: Setback | Garbled, since: float, tries: int, answer: Answer) -> float:
        """In how many seconds to try again. Raises `error` where that is not to be."""
        wait_s = 0.0
        limited = False
        if isinstance(error, Setback):
            wait_s, limited = error.wait_s, error.limited
            if error.congested:
                self._gate.congested(since)
        left = limited or (self._budget.failed() and tries < _TRIES)
        if not left or not answer.again() or wait_s > LONGEST_PAUSE_S:
            raise error
        self._gate.pause(wait_s)
        return backoff_s(tries)


def _shorter(lines: tuple[str, ...], request: Request, refusal: Refused) -> tuple[tuple[str, ...], int]:
    """Less of the chat's lines, and how many of all are left out. Raises `refusal` where that is no help."""
    letters = sum(map(len, lines)) + len(lines)
    kept, dropped = shorten(request.prompt.lines, int(letters * _SHORTER))
    if not refusal.too_long or not lines or tuple(kept) == lines:
        raise refusal
    return tuple(kept), dropped
