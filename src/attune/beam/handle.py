"""`Handle`: chats in; table rows, review items and dead letters out, each chat by itself."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import AsIter, PCollection, TaggedOutput
from apache_beam.transforms.window import WindowedValue

from attune.arms import Arm, Split
from attune.beam.item import Ended, ended, item_of
from attune.beam.worker import Arms, Asking, arms, engines
from attune.errors import EngineError
from attune.handle import Acts
from attune.limits import Limits
from attune.outcome import Place
from attune.store import Item
from attune.stream import judge

NAMESPACE = "attune"
_Done = queue.SimpleQueue[tuple[Any, Any, Future[Ended]]]
"""Outcomes as they come, each with the timestamp and the window of its element."""


@dataclass(frozen=True)
class Handled:
    """What came of the chats: three PCollections of `Ended`, which are outcomes as everywhere."""

    table: PCollection[Ended]
    review: PCollection[Ended]
    dead: PCollection[Ended]

    @property
    def all(self) -> tuple[PCollection[Ended], ...]:
        return self.table, self.review, self.dead


class Handle(beam.PTransform):
    """Handles each chat as `attune run` does, and gives a `Handled`.

    Elements are chats in any form that `ParseChats` gives or takes. Each ends in exactly one of the three
    outputs, in its own window and with its own timestamp; what can't be read is a dead letter with its bytes.
    Many elements of a bundle are with the engine at once, and the bundles of all threads of a worker process
    share one engine. A bundle that the runner repeats is handled again: its sink must be idempotent, as those
    of this package are.

    `arms` split the chats by their ids. `updates` is a PCollection of `Split`, read as a side input: a newer
    version is loaded beside the old one and takes over without a stop. An engine that dies or hangs is loaded
    anew; `limits.max_engine_failures` dead letters in a row by it raise EngineError, and the runner decides.
    """

    def __init__(
        self,
        engine: str = "pocket",
        task: str = "triage",
        *,
        arms: Iterable[Arm] = (),
        updates: PCollection[Split] | None = None,
        asking: Asking = Asking(),
        limits: Limits = Limits(),
    ) -> None:
        super().__init__()
        self._split = Split(tuple(arms) or (Arm(engine, task),))
        self._updates, self._asking, self._limits = updates, asking, limits
        self._id = uuid.uuid4().hex

    def expand(self, chats: PCollection[Any]) -> Handled:
        updates = {} if self._updates is None else {"updates": AsIter(self._updates)}
        act = beam.ParDo(_Act(self._id, self._split, self._asking, self._limits, bool(updates)), **updates)
        outputs = chats | act.with_outputs(*(str(place) for place in Place)).with_output_types(Ended)
        return Handled(**{str(place): outputs[place] for place in Place})


class _Act(beam.DoFn):
    def __init__(self, name: str, split: Split, asking: Asking, limits: Limits, updated: bool) -> None:
        self._id, self._split, self._asking = name, split, asking
        self._limits, self._updated = limits, updated
        self._places = {place: Metrics.counter(NAMESPACE, str(place)) for place in Place}
        self._asked_again = Metrics.counter(NAMESPACE, "asked_again")
        self._total_ms = Metrics.distribution(NAMESPACE, "total_ms")
        self._first_ms = Metrics.distribution(NAMESPACE, "first_choice_ms")

    def setup(self) -> None:
        self._pool = ThreadPoolExecutor(self._limits.in_flight, "attune-chat")
        self._failures = 0
        if not self._updated:  # else the newest split comes with the first element
            arms(self._id, self._split, self._asking)

    def start_bundle(self) -> None:
        # A queue of its own: what a failed bundle left behind is given again, and must not come twice.
        self._open, self._done = 0, _Done()

    def process(
        self,
        element: Any,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
        updates: Iterable[Split] = (),
    ) -> Iterator[TaggedOutput]:
        item = item_of(element, self._limits.max_chat_bytes)
        acts = self._newest(updates).serving
        while self._open >= self._limits.in_flight or not self._done.empty():
            yield self._next()
        self._open += 1
        future = self._pool.submit(_handled, item, acts, self._limits)
        future.add_done_callback(partial(_put, self._done, timestamp, window))

    def finish_bundle(self) -> Iterator[TaggedOutput]:
        while self._open:
            yield self._next()
        engines(self._asking).sweep()

    def teardown(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _newest(self, updates: Iterable[Split]) -> Arms:
        newest = max(updates, key=lambda split: split.version, default=self._split)
        found = arms(self._id, newest, self._asking)
        found.offer(newest)
        return found

    def _next(self) -> TaggedOutput:
        timestamp, window, future = self._done.get()
        self._open -= 1
        outcome = future.result()
        self._count(outcome)
        return TaggedOutput(str(outcome.place), WindowedValue(outcome, timestamp, (window,)))

    def _count(self, outcome: Ended) -> None:
        self._places[outcome.place].inc()
        self._asked_again.inc(outcome.asked_again)
        self._total_ms.update(round(outcome.total_s * 1000))
        self._first_ms.update(round(outcome.first_slot_s * 1000))
        self._failures = self._failures + 1 if outcome.engine_failed else 0
        if self._failures >= self._limits.max_engine_failures:
            raise EngineError(f"the engine failed on {self._failures} chats in a row, last: {outcome.detail}")


def _put(done: _Done, timestamp: Any, window: Any, future: Future[Ended]) -> None:
    done.put((timestamp, window, future))


def _handled(item: Item, acts: Acts, limits: Limits) -> Ended:
    return ended(item, judge(item, acts.act_for(item.key), limits))
