"""The loop of a batch: many records in flight, their rows written in groups as they come or in order."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from attune.batch.answer import answer
from attune.batch.job import Job, lines
from attune.batch.record import Line
from attune.batch.rows import Row, Rows
from attune.errors import EngineError
from attune.gather import gather
from attune.outcome import ENGINE_REASONS
from attune.sources import Source

_POLL_S = 0.1
_WINDOW = 4
"""So many times what is in flight may be read and not yet written: also what waits for its turn, in order."""

Watch = Callable[[], None]


def run(job: Job, source: Source, rows: Rows, stop: threading.Event, watch: Watch | None = None) -> int:
    """Gives every record of `source` its row, but those that have one, and says how many records were read.

    Setting `stop` drains: what has begun is finished and written. `watch` is called after each write, from
    another thread. Raises EngineError when the engine fails record after record, AttuneError when the rows
    cannot be written; what has no row then gets one the next time.
    """
    writing = _Writing(job, rows, stop, watch)
    pool = ThreadPoolExecutor(job.limits.in_flight, "attune-record")
    read = 0
    try:
        for line in lines(source):
            if stop.is_set():
                break
            read += 1
            if line.number in rows:
                continue
            if writing.expect(line.number):
                pool.submit(_work, line, job, writing, stop)
    finally:
        pool.shutdown(wait=True)
        writing.close()
    if writing.error is not None:
        raise writing.error
    return read


def _work(line: Line, job: Job, writing: _Writing, stop: threading.Event) -> None:
    if stop.is_set():
        return  # drained before it began: it has no row, and gets one the next time
    try:
        writing.put(answer(line, job))
    except BaseException as error:  # noqa: BLE001 - it must end the job, not sit unseen in a future
        writing.fail(error)


class _Writing:
    """Writes rows a few at once, from a thread of its own; in order where the job asks for it."""

    def __init__(self, job: Job, rows: Rows, stop: threading.Event, watch: Watch | None) -> None:
        self.error: BaseException | None = None
        self._ordered, self._limits, self._rows = job.ordered, job.limits, rows
        self._stop, self._watch = stop, watch
        self._window = threading.Semaphore(_WINDOW * job.limits.in_flight)
        self._failures = 0
        self._expected: deque[int] = deque()
        self._early: dict[int, Row] = {}
        self._come: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="attune-rows")
        self._thread.start()

    def expect(self, number: int) -> bool:
        """Waits for room for this record, whose row comes then, in order of the calls; False at the end."""
        while not self._window.acquire(timeout=_POLL_S):
            if self._stop.is_set():
                return False
        if self._ordered:
            self._expected.append(number)
        return True

    def put(self, row: Row) -> None:
        self._come.put(row)

    def fail(self, error: BaseException) -> None:
        self.error = self.error or error
        self._stop.set()

    def close(self) -> None:
        self._come.put(None)
        self._thread.join()

    def _loop(self) -> None:
        # A group is a fourth of what may be open: the engine never waits for it.
        while (come := gather(self._come, self._limits.in_flight)) is not None:
            if self.error is not None and not isinstance(self.error, EngineError):
                continue  # nothing can be written any more
            try:
                group = self._in_turn(come) if self._ordered else come
                self._rows.write(group)
                self._count(group)
            except BaseException as error:  # noqa: BLE001 - it must end the job, not this thread unseen
                self.fail(error)

    def _in_turn(self, come: list[Row]) -> list[Row]:
        """The rows whose turn it is, those that came before it among them."""
        self._early |= {row.number: row for row in come}
        group = []
        while self._expected and self._expected[0] in self._early:
            group.append(self._early.pop(self._expected.popleft()))
        return group

    def _count(self, group: list[Row]) -> None:
        for row in group:
            self._failures = self._failures + 1 if row.reason in ENGINE_REASONS else 0
        if group:
            self._window.release(len(group))
        if self._failures >= self._limits.max_engine_failures:
            self.fail(EngineError(f"the engine failed on {self._failures} records in a row"))
        if self._watch is not None:
            self._watch()
