"""The engine: requests from any thread, and threads that each run a batch of what waits."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future

from attune.engines import as_engine_error, closed, failed
from attune.engines.seq2seq.answer import Answer, Works
from attune.engines.seq2seq.runner import Runner
from attune.engines.seq2seq.waiting import Bounds, Item, Waiting
from attune.engines.seq2seq.work import Draw
from attune.request import Completion, Request

_KEPT_FLOATS = 2**25
"""So many logits of drawn tokens are kept in one batch at most: 128 MB."""


class Seq2SeqEngine:
    """Runs the batches of `runner`, some side by side, one in each of `workers` threads.

    Requests wait by fields: each batch takes what is there of one kind and about one length, the first
    come first. A batch that fails ends the requests in it, with its error as their cause, and no others.
    """

    def __init__(self, runner: Runner, model: str, context_tokens: int, workers: int) -> None:
        self._runner = runner
        self._tokens = runner.tokens
        self._context_tokens = context_tokens
        self._model = model
        drawn = max(1, _KEPT_FLOATS // (64 * len(self._tokens)))
        self._waiting = Waiting(Bounds(tokens=8192, sequences=32, drawn=min(32, drawn)))
        self._turn = 0
        self._closing = False
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, name=f"attune-{self._model}-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self.close)  # a program that ends amid native code would crash

    @property
    def model(self) -> str:
        return self._model

    @property
    def lacks(self) -> frozenset[str]:
        return frozenset()

    def submit(self, request: Request) -> Future[Completion]:
        """Tokenises in the caller's thread and queues; a request that cannot be run gets a failed future."""
        with self._lock:
            self._turn += 1
            turn = self._turn
        try:
            answer = Answer(request, self._tokens, self._context_tokens, self._model)
        except Exception as error:  # noqa: BLE001 - the boundary: a bad request fails alone
            return failed(error)
        future: Future[Completion] = Future()
        _Asked(answer, future, turn, self._waiting.put).go_on()
        return future

    def close(self) -> None:
        self._closing = True
        for item in self._waiting.close():
            item.done(closed())
        atexit.unregister(self.close)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._runner.close()

    def _run(self) -> None:
        while batch := self._waiting.take():
            error: Exception | None = None
            try:
                self._runner.run(
                    [item.work for item in batch], lambda n: self._closing or batch[n].unwanted()
                )
            except Exception as raised:  # noqa: BLE001 - the boundary: this batch ends, the engine goes on
                error = raised
            for item in batch:
                item.done(closed() if self._closing else error)


class _Asked:
    """A request on its way: its works wait, are run, and then the next ones wait."""

    def __init__(
        self, answer: Answer, future: Future[Completion], turn: int, put: Callable[[list[Item]], bool]
    ) -> None:
        self._answer = answer
        self._future = future
        self._turn = turn
        self._put = put
        self._works: Works = answer.works()
        self._left = 0
        self._lock = threading.Lock()

    def go_on(self) -> None:
        """Queues the next works, or answers."""
        try:
            works = next(self._works)
        except StopIteration:
            if self._future.set_running_or_notify_cancel():
                self._future.set_result(self._answer.completion())
            return
        except Exception as error:  # noqa: BLE001 - the boundary: one request ends
            self._fail(error)
            return
        self._left = len(works)
        self._queue([Item(work, self._turn, self._future.done, self._done_with(work)) for work in works])

    def _queue(self, items: list[Item]) -> None:
        if not self._put(items):
            self._fail(closed())

    def _done_with(self, work: object) -> Callable[[Exception | None], None]:
        def done(error: Exception | None) -> None:
            error = error or (work.error if isinstance(work, Draw) else None)
            if error is not None:
                self._fail(error)
            elif isinstance(work, Draw) and not work.walk.done:
                self._queue([Item(work, self._turn, self._future.done, done)])
            elif self._is_last():
                self.go_on()

        return done

    def _is_last(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0

    def _fail(self, error: Exception) -> None:
        with self._lock:
            if not self._future.done() and self._future.set_running_or_notify_cancel():
                self._future.set_exception(as_engine_error(error))
