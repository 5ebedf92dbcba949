"""Outcomes out of a pipeline, each once however often the runner repeats: into a store, and into files."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from attune import connect
from attune.beam.item import Ended
from attune.store import Store

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
        return outcomes | beam.ParDo(_Settle(self._address)).with_output_types(Ended)


class WriteReviews(beam.PTransform):
    """Puts the drafted replies among `outcomes` before people: into the store that the desk reads."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def expand(self, outcomes: PCollection[Ended]) -> PCollection[Ended]:
        reviews = outcomes | "Reviews" >> beam.Filter(_is_review)
        return reviews | WriteOutcomes(self._address)


def store_at(address: str) -> Store:
    """The store at `address`, opened once in a worker process."""
    with _LOCK:
        if address not in _STORES:
            _STORES[address] = connect.store(address)
        return _STORES[address]


def _is_review(outcome: Ended) -> bool:
    return outcome.place == "review"


class _Settle(beam.DoFn):
    def __init__(self, address: str) -> None:
        self._address = address

    def start_bundle(self) -> None:
        self._waiting: list[tuple[Ended, Any, Any]] = []

    def process(
        self,
        outcome: Ended,
        timestamp: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterable[Any]:
        self._waiting.append((outcome, timestamp, window))
        if len(self._waiting) >= _AT_ONCE:
            yield from self._write()

    def finish_bundle(self) -> Iterator[Any]:
        yield from self._write()

    def _write(self) -> Iterator[Any]:
        waiting, self._waiting = self._waiting, []
        store_at(self._address).settle([(outcome.item, outcome) for outcome, _, _ in waiting])
        for outcome, timestamp, window in waiting:
            yield beam.utils.windowed_value.WindowedValue(outcome, timestamp, (window,))
