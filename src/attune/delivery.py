"""Delivery: settled outcomes go from the store to the sinks, each at its own pace, beside the run."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from attune import sinks
from attune.errors import AttuneError
from attune.sinks import Sink, SinkError
from attune.store import Batch, Store, Taker
from attune.task import Task

log = logging.getLogger(__name__)

_POLL_S = 0.2
_LONGEST_S = 30.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a delivery came to: rows sent, outcomes that still wait, and why ("" if none does)."""

    name: str
    sent: int
    waiting: int
    error: str


class Delivery:
    """Gives one sink what is settled in the store, in order, from a thread of its own, until it is closed.

    At least once: a batch is confirmed in the store after the sink has it. A sink that fails is tried again,
    less and less often, and never hinders the run; `failed` is called the first time it fails in a row.
    """

    def __init__(
        self, sink: Sink, store: Store, task: Task, lease_s: float, failed: Callable[[], None] | None = None
    ) -> None:
        self._sink, self._store, self._task = sink, store, task
        self._taker = Taker(sink.terms.name, task.name, uuid.uuid4().hex, lease_s)
        self._failed = failed
        self._failures = 0
        self._sent = 0
        self._error = ""
        self._waits_since: float | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="attune-sink", daemon=True)
        self._thread.start()

    def close(self) -> Delivered:
        """Gives the sink all that is settled by now, unless it fails, and ends."""
        self._closing.set()
        self._thread.join()
        self._sink.close()
        waiting = 0
        try:
            self._store.leave_sink(self._taker)
            waiting = self._store.sink_waiting(self._taker, 1_000_000_000)
        except AttuneError as error:
            self._error = self._error or str(error)
        return Delivered(self._taker.sink, self._sent, waiting, self._error)

    def _loop(self) -> None:
        while True:
            closing = self._closing.is_set()
            moved = self._step(closing)
            if closing and not moved:
                return
            if not moved:
                self._closing.wait(min(_LONGEST_S, _POLL_S * 2 ** min(self._failures, 10)))

    def _step(self, closing: bool) -> bool:
        """Delivers a batch, if one is due; whether there was one."""
        try:
            if not self._is_due(closing):
                return False
            batch = self._store.begin_batch(self._taker, self._sink.terms.rows)
            if batch is None:
                return False
            self._write(batch)
        except AttuneError as error:
            self._note(error)
            return False
        self._failures, self._error = 0, ""
        return True

    def _is_due(self, closing: bool) -> bool:
        terms = self._sink.terms
        waiting = self._store.sink_waiting(self._taker, terms.rows)
        if not waiting:
            self._waits_since = None
            return False
        if self._waits_since is None:
            self._waits_since = time.monotonic()
        waited_s = time.monotonic() - self._waits_since
        return closing or waiting >= terms.rows or waited_s >= terms.wait_s

    def _write(self, batch: Batch) -> None:
        wanted = [each for each in batch.settled if each.outcome.place in self._sink.terms.places]
        rows = [sinks.row(each, self._task) for each in wanted]
        if rows:
            self._sink.write(sinks.Batch(batch.first, batch.last, batch.sent, batch.again, rows))
        self._store.end_batch(self._taker, batch, len(rows))
        self._sent += len(rows)
        self._waits_since = None

    def _note(self, error: AttuneError) -> None:
        self._error = str(error)
        self._failures += 1
        if self._failures > 1:
            return
        log.warning("A sink fails and is tried again: %s", error, extra={"action": "sink_failed"})
        if self._failed is not None:
            self._failed()
        if isinstance(error, SinkError):
            with suppress(AttuneError):  # a store that is away is said by whoever writes to it next
                self._store.fail_batch(self._taker, str(error))
