"""The engine: requests from any thread, one thread that runs steps over all of them."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from concurrent.futures import Future

from attune.engines import BEAMS, as_engine_error, closed, failed, refused
from attune.engines.paged.asked import sequence_for
from attune.engines.paged.blocks import BlockPool
from attune.engines.paged.folder import Folder
from attune.engines.paged.model import Logits, PagedModel
from attune.engines.paged.pick import MAX_SCORED
from attune.engines.paged.plan import Plan
from attune.engines.paged.scheduler import Scheduler
from attune.engines.paged.sequence import Sequence
from attune.engines.paged.sizes import Machine, Sizes
from attune.engines.paged.stats import Stats
from attune.engines.paged.tokens import Tokens
from attune.request import Completion, Request

_LOGIT_FLOATS = 2**22
"""So many logits at most are asked for in one step: 16 MB."""


class PagedEngine:
    """Runs `runner`, the model of `folder`, all requests in one running batch.

    Requests join and leave at every step. One that finds the cache full waits, in order of arrival.
    A step that fails ends the requests in it, with its error as their cause, and no others.
    Sizes that are not given are chosen for `machine` (see `sizes`); `name` is what rows call the model.
    """

    def __init__(
        self,
        runner: PagedModel,
        folder: Folder,
        name: str,
        context_tokens: int,
        sizes: Sizes,
        machine: Machine,
    ) -> None:
        self._runner = runner
        self._context_tokens = min(context_tokens, folder.context_tokens)
        sizes = sizes.on(machine)
        blocks = sizes.blocks(machine, runner.block_bytes, self._context_tokens)
        runner.allocate(blocks)
        self._tokens = Tokens(folder.tokenizer, folder.ends, folder.bos, runner.vocabulary)
        self._model = name or folder.path.resolve().name
        self._pool = BlockPool(blocks)
        head_rows = max(MAX_SCORED, _LOGIT_FLOATS // runner.vocabulary)
        self._scheduler = Scheduler(self._pool, sizes.step_tokens, head_rows, sizes.running)
        self._most_running = sizes.running
        self._arrivals: deque[Sequence] = deque()
        self._steps = self._fed_tokens = 0
        self._infer_s = self._step_s = 0.0
        self._closing = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"attune-{self._model}", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # a program that ends amid a step of native code would crash

    @property
    def model(self) -> str:
        return self._model

    @property
    def lacks(self) -> frozenset[str]:
        return BEAMS

    @property
    def free_blocks(self) -> int:
        """Blocks of the cache that nobody has; all `blocks` of them when nothing is in flight."""
        return self._pool.free

    @property
    def blocks(self) -> int:
        return self._pool.size

    def stats(self) -> Stats:
        """Numbers of one moment, read without stopping the engine."""
        return Stats(
            running=len(self._scheduler.running),
            waiting=len(self._scheduler.waiting) + len(self._arrivals),
            blocks=self._pool.size,
            free_blocks=self._pool.free,
            prompt_tokens=self._scheduler.prompt_tokens,
            cached_tokens=self._scheduler.cached_tokens,
            fed_tokens=self._fed_tokens,
            steps=self._steps,
            preemptions=self._scheduler.preemptions,
            infer_s=self._infer_s,
            step_s=self._step_s,
        )

    def submit(self, request: Request) -> Future[Completion]:
        """Tokenises in the caller's thread and queues; a request that cannot be run gets a failed future."""
        if (refusal := refused(request, self.lacks, self._model)) is not None:
            return failed(refusal)
        try:
            sequence = sequence_for(request, self._tokens, self._context_tokens, self._model)
        except Exception as error:  # noqa: BLE001 - the boundary: a bad request fails alone
            return failed(error)
        return self.enqueue(sequence)

    def enqueue(self, sequence: Sequence) -> Future[Completion]:
        """Queues what `submit` has made of a request."""
        if sequence.done:
            _answer(sequence)
            return sequence.future
        with self._wake:
            if self._closing:
                return failed(closed())
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
        end: Exception = closed()
        try:
            while self._receive():
                self._drop_cancelled()
                if self._scheduler.waiting or self._scheduler.running:
                    self._step()
        except Exception as error:  # noqa: BLE001 - the boundary: nobody may wait for a thread that is gone
            end = error
        with self._wake:
            self._closing = True
            left = [*self._scheduler.running, *self._scheduler.waiting, *self._arrivals]
            self._arrivals.clear()
        for sequence in left:
            self._end(sequence, end)

    def _receive(self) -> bool:
        """Takes what has arrived, waiting when there is nothing else to do; False once the engine closes."""
        with self._wake:
            idle = not (self._scheduler.running or self._scheduler.waiting)
            while idle and not (self._arrivals or self._closing):
                self._wake.wait()
            while self._arrivals:
                self._scheduler.add(self._arrivals.popleft())
            return not self._closing

    def _drop_cancelled(self) -> None:
        for sequence in [*self._scheduler.running, *self._scheduler.waiting[: self._most_running]]:
            if sequence.future.cancelled():
                self._scheduler.drop(sequence)
                sequence.future.set_running_or_notify_cancel()

    def _step(self) -> None:
        began = time.perf_counter()
        plan = self._scheduler.plan()
        try:
            logits, scores = self._infer(plan)
        except Exception as error:  # noqa: BLE001 - the boundary: a step ends its requests
            for sequence in plan.sequences:
                self._end(sequence, error)
        else:
            self._read(plan, logits, scores)
        self._scheduler.stepped(plan)
        for sequence in plan.sequences:
            if sequence.done:
                self._scheduler.drop(sequence)
                _answer(sequence)
        self._steps += 1
        self._fed_tokens += sum(len(entry.row.tokens) for entry in plan.entries)
        self._step_s += time.perf_counter() - began

    def _infer(self, plan: Plan) -> tuple[Logits, Logits]:
        if plan.copies:
            self._runner.copy_blocks(list(plan.copies.values()), list(plan.copies))
        began = time.perf_counter()
        read = self._runner.infer([entry.row for entry in plan.entries])
        self._infer_s += time.perf_counter() - began
        return read

    def _read(self, plan: Plan, logits: Logits, scores: Logits) -> None:
        """Shows each sequence its logits, or the log-probabilities of its fork."""
        row = scored = 0
        for entry in plan.entries:
            mine = logits[row : row + entry.row.wanted]
            fork = scores[scored : scored + len(entry.row.following)]
            row, scored = row + entry.row.wanted, scored + len(entry.row.following)
            if not entry.sequence.blocks:  # ended by an earlier row of this step
                continue
            try:
                if entry.option is None:
                    entry.sequence.fed(len(entry.row.tokens), mine)
                else:
                    entry.sequence.scored(entry.option, fork)
            except Exception as error:  # noqa: BLE001 - the boundary: one request ends
                self._end(entry.sequence, error)

    def _end(self, sequence: Sequence, error: Exception) -> None:
        self._scheduler.drop(sequence)
        if not sequence.future.done() and sequence.future.set_running_or_notify_cancel():
            sequence.future.set_exception(as_engine_error(error))


def _answer(sequence: Sequence) -> None:
    if sequence.future.set_running_or_notify_cancel():
        sequence.future.set_result(sequence.completion())
