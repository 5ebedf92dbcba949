"""Outcomes out of a pipeline: into a store, each once however often the runner repeats, and into a sink."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from attune import connect, sinks
from attune.beam.item import Ended
from attune.beam.rows import settled_of
from attune.sinks import Batch, Sink
from attune.store import Store
from attune.task import Task

_AT_ONCE = 200
_STORES: dict[str, Store] = {}
_LOCK = threading.Lock()


class WriteOutcomes(beam.PTransform):
    """Writes outcomes of any place into the store at `address`, where `attune results` reads them.

    Effectively once: a row is named by chat id, task and version, and the first one stays. Many workers need
    PostgreSQL; a file is for one machine. StoreError ends the bundle, and the runner gives it again.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def expand(self, outcomes: PCollection[Ended]) -> PCollection[Ended]:
        """Passes on what is durable."""
        return outcomes | beam.ParDo(_Written(_Settle(self._address), _AT_ONCE)).with_output_types(Ended)


class WriteReviews(beam.PTransform):
    """Puts the drafted replies among `outcomes` before people: into the store that the desk reads."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def expand(self, outcomes: PCollection[Ended]) -> PCollection[Ended]:
        reviews = outcomes | "Reviews" >> beam.Filter(_is_review)
        return reviews | WriteOutcomes(self._address)


class WriteSink(beam.PTransform):
    """Writes outcomes into the sink at `address`, as of `attune run`: kafka://, pubsub:// or bigquery://.

    At least once, since a runner repeats bundles: a message has its outcome's key in `attune-key`, and the
    same key again is the same outcome again. Many workers write to Kafka, so there are no transactions. In
    BigQuery what is there is left out. SinkError ends the bundle, and the runner gives it again.
    """

    def __init__(self, address: str, task: str = "triage", engine: str = "pocket") -> None:
        super().__init__()
        self._task = connect.task(task, engine)
        plain = address.startswith("kafka:") and "transactions=" not in address
        self._address = f"{address}{'&' if '?' in address else '?'}transactions=false" if plain else address
        self._at_once = connect.sink(self._address, self._task).terms.rows

    def expand(self, outcomes: PCollection[Ended]) -> PCollection[Ended]:
        """Passes on what is written."""
        send = _Send(self._address, self._task)
        return outcomes | beam.ParDo(_Written(send, self._at_once)).with_output_types(Ended)


def store_at(address: str) -> Store:
    """The store at `address`, opened once in a worker process."""
    with _LOCK:
        if address not in _STORES:
            _STORES[address] = connect.store(address)
        return _STORES[address]


def _is_review(outcome: Ended) -> bool:
    return outcome.place == "review"


class _Settle:
    """Puts outcomes into a store, which all of the process share."""

    def __init__(self, address: str) -> None:
        self._address = address

    def put(self, outcomes: list[Ended]) -> None:
        store_at(self._address).settle([(outcome.item, outcome) for outcome in outcomes])

    def close(self) -> None:
        """The store stays open for the next bundle."""


class _Send:
    """Puts outcomes into a sink of its own, since a sink has one thread."""

    def __init__(self, address: str, task: Task) -> None:
        self._address, self._task = address, task
        self._sink: Sink | None = None

    def put(self, outcomes: list[Ended]) -> None:
        self._sink = self._sink or connect.sink(self._address, self._task)
        rows = [
            sinks.row(settled_of(each), self._task)
            for each in outcomes
            if each.place in self._sink.terms.places
        ]
        if rows:
            self._sink.write(Batch(0, 0, 0, True, rows))

    def close(self) -> None:
        if self._sink is not None:
            self._sink.close()


class _Written(beam.DoFn):
    """Puts outcomes somewhere, a few at once, then passes them on, each with its own time and window."""

    def __init__(self, place: _Settle | _Send, at_once: int) -> None:
        self._place, self._at_once = place, at_once

    def start_bundle(self) -> None:
        self._waiting: list[tuple[Ended, Any, Any]] = []

    def process(
        self,
        outcome: Ended,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterable[Any]:
        self._waiting.append((outcome, timestamp, window))
        if len(self._waiting) >= self._at_once:
            yield from self._write()

    def finish_bundle(self) -> Iterator[Any]:
        yield from self._write()

    def teardown(self) -> None:
        self._place.close()

    def _write(self) -> Iterator[Any]:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._place.put([outcome for outcome, _, _ in waiting])
        for outcome, timestamp, window in waiting:
            yield beam.utils.windowed_value.WindowedValue(outcome, timestamp, (window,))
