"""The engine: requests from any thread, one thread that runs steps over all of them."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from attune.engines.openvino.blocks import BlockPool
from attune.engines.openvino.folder import open_folder
from attune.engines.openvino.model import PagedModel
from attune.engines.openvino.scheduler import Plan, Scheduler
from attune.engines.openvino.sequence import Sequence, sequence_for
from attune.engines.openvino.slots import MAX_SCORED
from attune.engines.openvino.tokens import Tokens
from attune.errors import EngineError
from attune.request import Completion, Request

_LOGIT_FLOATS = 2**22
"""So many logits at most are asked for in one step: 16 MB."""


class OpenVINOEngine:
    """Runs a Gemma from an OpenVINO folder on the CPU, all requests in one running batch.

    Requests join and leave at every step. One that finds the cache full waits, in order of arrival.
    A step that fails ends the requests in it, with its error as their cause, and no others.
    `exact` computes in float32 throughout, to compare with other programs; it is slower.

    Raises EngineError when the folder cannot be used: the message says what is missing.
    """

    def __init__(
        self,
        folder: Path,
        model: str = "",
        *,
        context_tokens: int = 2048,
        step_tokens: int = 1024,
        cache_mb: int = 512,
        exact: bool = False,
    ) -> None:
        found = open_folder(folder)
        self._context_tokens = min(context_tokens, found.context_tokens)
        self._runner = PagedModel(found.xml, self._context_tokens, cache_mb, exact)
        self._tokens = Tokens(found.tokenizer, found.ends, found.bos, self._runner.vocabulary)
        self._model = model or folder.resolve().name
        self._pool = BlockPool(self._runner.blocks)
        head_rows = max(MAX_SCORED, _LOGIT_FLOATS // self._runner.vocabulary)
        self._scheduler = Scheduler(self._pool, step_tokens, head_rows)
        self._step_tokens = step_tokens
        self._arrivals: deque[Sequence] = deque()
        self._queue: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._closing = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"attune-{self._model}", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # a program that ends amid a step of native code would crash

    @property
    def model(self) -> str:
        return self._model

    @property
    def free_blocks(self) -> int:
        """Blocks of the cache that nobody has; all `blocks` of them when nothing is in flight."""
        return self._pool.free

    @property
    def blocks(self) -> int:
        return self._pool.size

    def submit(self, request: Request) -> Future[Completion]:
        """Tokenises in the caller's thread and queues; a request that cannot be run gets a failed future."""
        try:
            sequence = sequence_for(request, self._tokens, self._context_tokens, self._model)
        except Exception as error:  # noqa: BLE001 - the boundary: a bad request fails alone
            return _failed(error)
        return self.enqueue(sequence)

    def enqueue(self, sequence: Sequence) -> Future[Completion]:
        """Queues what `submit` has made of a request."""
        if sequence.done:
            _answer(sequence)
            return sequence.future
        with self._wake:
            if self._closing:
                return _failed(_closed())
            self._arrivals.append(sequence)
            self._wake.notify()
        return sequence.future

    def close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
        atexit.unregister(self.close)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        end: Exception = _closed()
        try:
            while self._receive():
                self._drop_cancelled()
                self._admit()
                if self._running:
                    self._step()
        except Exception as error:  # noqa: BLE001 - the boundary: nobody may wait for a thread that is gone
            end = error
        with self._wake:
            self._closing = True
            self._queue.extend(self._arrivals)
            self._arrivals.clear()
        self._drop_cancelled()
        for sequence in [*self._running, *self._queue]:
            self._end(sequence, end)
        self._running.clear()
        self._queue.clear()

    def _receive(self) -> bool:
        """Takes what has arrived, waiting when there is nothing else to do; False once the engine closes."""
        with self._wake:
            while not (self._arrivals or self._running or self._queue or self._closing):
                self._wake.wait()
            self._queue.extend(self._arrivals)
            self._arrivals.clear()
            return not self._closing

    def _drop_cancelled(self) -> None:
        gone = [sequence for sequence in [*self._running, *self._queue] if sequence.future.cancelled()]
        for sequence in gone:
            self._release(sequence)
            sequence.future.set_running_or_notify_cancel()
        if gone:
            self._running = [sequence for sequence in self._running if sequence not in gone]
            self._queue = deque(sequence for sequence in self._queue if sequence not in gone)

    def _admit(self) -> None:
        """Gives the requests at the front of the queue all the blocks they may ever need, one by one as
        long as a step has room: who could only wait with its blocks may as well wait without."""
        tokens = sum(sequence.waiting for sequence in self._running)
        while self._queue and tokens < self._step_tokens:
            sequence = self._queue[0]
            blocks = self._pool.take(sequence.blocks_needed + sequence.scratch_needed)
            if blocks is None:
                return
            sequence.blocks = blocks[: sequence.blocks_needed]
            sequence.scratch = blocks[sequence.blocks_needed :]
            self._running.append(self._queue.popleft())
            tokens += sequence.waiting

    def _step(self) -> None:
        plan = self._scheduler.plan(self._running)
        try:
            self._infer(plan)
        except Exception as error:  # noqa: BLE001 - the boundary: a step ends its requests
            for sequence in {entry.sequence for entry in plan.entries}:
                self._end(sequence, error)
        self._pool.give_back(plan.borrowed)
        for sequence in self._running:
            if sequence.blocks and sequence.done:
                self._release(sequence)
                _answer(sequence)
        self._running = [sequence for sequence in self._running if sequence.blocks]

    def _infer(self, plan: Plan) -> None:
        if plan.sources:
            self._runner.copy_blocks(plan.sources, plan.targets)
        logits = self._runner.infer([entry.row for entry in plan.entries])
        row = 0
        for entry in plan.entries:
            mine = logits[row : row + entry.row.wanted]
            row += entry.row.wanted
            if not entry.sequence.blocks:  # ended by an earlier row of this step
                continue
            try:
                if entry.option is None:
                    entry.sequence.fed(len(entry.row.tokens), mine)
                else:
                    entry.sequence.scored(entry.option, mine)
            except Exception as error:  # noqa: BLE001 - the boundary: one request ends
                self._end(entry.sequence, error)

    def _end(self, sequence: Sequence, error: Exception) -> None:
        self._release(sequence)
        if not sequence.future.done() and sequence.future.set_running_or_notify_cancel():
            sequence.future.set_exception(_as_engine_error(error))

    def _release(self, sequence: Sequence) -> None:
        self._pool.give_back(sequence.blocks)
        self._pool.give_back(sequence.scratch)


def _answer(sequence: Sequence) -> None:
    if sequence.future.set_running_or_notify_cancel():
        sequence.future.set_result(sequence.completion())


def _failed(error: Exception) -> Future[Completion]:
    future: Future[Completion] = Future()
    future.set_exception(_as_engine_error(error))
    return future


def _closed() -> EngineError:
    return EngineError("The engine was closed before it answered. Ask again once it runs.")


def _as_engine_error(error: Exception) -> EngineError:
    if isinstance(error, EngineError):
        return error
    wrapped = EngineError(f"The engine failed on this request: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
