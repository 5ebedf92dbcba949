"""Settling: outcomes are written as they come, many at once, and counted when they are durable."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from attune.errors import EngineError
from attune.gather import gather
from attune.limits import Limits
from attune.outcome import Outcome, Place
from attune.store import Admitted, Item, Store

Watch = Callable[[Sequence[Outcome], "Counts"], None]
_POLL_S = 0.1


@dataclass(slots=True)
class Counts:
    """What became of the inputs: read = table + review + dead + repeated (+ returned, if drained)."""

    read: int = 0
    table: int = 0
    review: int = 0
    dead: int = 0
    repeated: int = 0
    """Inputs whose outcome was there already."""
    returned: int = 0
    """Inputs read that went back to the queue undone when the run was drained."""
    asked_again: int = 0
    first_s: float | None = None
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Counts an outcome that is durable."""
        self.table += outcome.place is Place.TABLE
        self.review += outcome.place is Place.REVIEW
        self.dead += outcome.place is Place.DEAD
        self.asked_again += outcome.asked_again
        if outcome.reason is not None:
            self.reasons[outcome.reason] = self.reasons.get(outcome.reason, 0) + 1

    @property
    def settled(self) -> int:
        return self.table + self.review + self.dead

    @property
    def reconciled(self) -> bool:
        return self.read == self.settled + self.repeated + self.returned


class Settling:
    """Writes outcomes in the order they come, a few at once, and counts them when they are durable."""

    def __init__(self, store: Store, limits: Limits, stop: threading.Event, watch: Watch | None) -> None:
        self.counts = Counts()
        self.error: BaseException | None = None
        self._store, self._limits, self._stop, self._watch = store, limits, stop, watch
        self._started = time.monotonic()
        self._open = 0
        self._failures = 0
        self._change = threading.Condition()
        self._done: queue.SimpleQueue[tuple[Item, Outcome] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="attune-settle")
        self._thread.start()

    def wait_for_room(self) -> int:
        """How many more items may be open, once that is worth a trip to the store; 0 when the run must end.

        Three times what is in flight may be open: with the engine, waiting for it, and being written.
        """
        most = 3 * self._limits.in_flight
        with self._change:
            while not self._stop.is_set() and most - self._open < self._limits.in_flight:
                self._change.wait(_POLL_S)
            return 0 if self._stop.is_set() else most - self._open

    def expect(self, taken: Admitted) -> None:
        with self._change:
            self._open += len(taken.items)
            self.counts.read += len(taken.items) + taken.repeated
            self.counts.repeated += taken.repeated

    def put(self, item: Item, outcome: Outcome) -> None:
        self._done.put((item, outcome))

    def fail(self, error: BaseException) -> None:
        self.error = self.error or error
        self._stop.set()

    def close(self) -> None:
        self._done.put(None)
        self._thread.join()
        self.counts.seconds = time.monotonic() - self._started

    def _loop(self) -> None:
        # A group is a third of what may be open at most: the engine never waits for it.
        while (pairs := gather(self._done, self._limits.in_flight)) is not None:
            if self.error is not None:
                continue  # nothing can be written any more: the items stay in the queue
            try:
                self._store.settle(pairs)
                self._count([outcome for _, outcome in pairs])
            except BaseException as error:  # noqa: BLE001 - it must end the run, not this thread unseen
                self.fail(error)

    def _count(self, outcomes: list[Outcome]) -> None:
        counts = self.counts
        with self._change:
            self._open -= len(outcomes)
            counts.seconds = time.monotonic() - self._started
            counts.first_s = counts.seconds if counts.first_s is None else counts.first_s
            for outcome in outcomes:
                counts.add(outcome)
                self._failures = self._failures + 1 if outcome.engine_failed else 0
            self._change.notify_all()
        if self._failures >= self._limits.max_engine_failures:
            what = f"the engine failed on {self._failures} chats in a row, last: {outcomes[-1].detail}"
            self.fail(
                EngineError(f"{what}\nThey are dead letters. Mend the engine, then: attune dead replay")
            )
        if self._watch is not None:
            self._watch(outcomes, counts)
