"""Prometheus metrics of a run, served on this machine only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from attune.errors import BadConfig, StoreError
from attune.handle import Acts
from attune.outcome import Outcome, Place
from attune.request import Completion
from attune.settling import Counts
from attune.store import Store

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """Counts outcomes as they become durable. The store is asked for its backlog when they are read."""

    def __init__(self, store: Store, acts: Acts) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_EngineStats(acts))
        own: dict[str, Any] = {"registry": self.registry}
        self._inputs = Counter("attune_inputs", "Inputs read, with those that were done before.", **own)
        self._outcomes = Counter("attune_outcomes", "Inputs by the place where they ended.", ["place"], **own)
        self._dead = Counter("attune_dead", "Dead letters by their reason.", ["reason"], **own)
        self._asked_again = Counter("attune_asked_again", "Answers that did not fit.", **own)
        self._tokens = Counter("attune_tokens", "Tokens by direction.", ["direction"], **own)
        self._first = Histogram(
            "attune_first_choice_seconds", "To the first choice.", buckets=_SECONDS, **own
        )
        self._total = Histogram("attune_chat_seconds", "With the engine, in all.", buckets=_SECONDS, **own)
        self._in_flight = Gauge("attune_in_flight", "Inputs read and not yet settled.", **own)
        self._backlog = Gauge(
            "attune_backlog", "Inputs that wait in the store; -1 where it cannot say.", **own
        )
        self._backlog.set_function(lambda: _backlog(store))
        self._runs: dict[int, tuple[int, int]] = {}
        """Of each run's counts, by their id: the inputs read, and those in flight."""

    def watch(self, outcomes: Sequence[Outcome], counts: Counts) -> None:
        """Takes in `outcomes`, just written, and the counts of their run, of which there may be several."""
        before, _ = self._runs.get(id(counts), (0, 0))
        self._inputs.inc(counts.read - before)
        self._runs[id(counts)] = counts.read, counts.read - counts.settled - counts.repeated
        self._in_flight.set(sum(in_flight for _, in_flight in self._runs.values()))
        for outcome in outcomes:
            self._outcomes.labels(outcome.place.value).inc()
            if outcome.reason is not None:
                self._dead.labels(outcome.reason.value).inc()
            self._asked_again.inc(outcome.asked_again)
            self._tokens.labels("prompt").inc(outcome.prompt_tokens)
            self._tokens.labels("output").inc(outcome.output_tokens)
            if outcome.place is not Place.DEAD:
                self._first.observe(outcome.first_slot_s)
                self._total.observe(outcome.total_s)

    def answered(self, completion: Completion) -> None:
        """Takes in a completion that is no chat's."""
        self._tokens.labels("prompt").inc(completion.prompt_tokens)
        self._tokens.labels("output").inc(completion.output_tokens)

    @contextmanager
    def served(self, port: int) -> Iterator[None]:
        """Serves the metrics on 127.0.0.1 until the end. Raises BadConfig where the port is taken."""
        try:
            server, thread = start_http_server(port, addr="127.0.0.1", registry=self.registry)
        except OSError as error:
            raise BadConfig(
                f"metrics_port {port}: {error.strerror}; choose another, or 0 for none"
            ) from error
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _EngineStats(Collector):
    """What the engine of most chats says of itself, where it has `stats`: read when the metrics are."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        own = getattr(self._acts.main.engine, "stats", None)
        if own is None:
            return
        stats = own()
        for name, value in {**asdict(stats), "hit_rate": stats.hit_rate}.items():
            about = f"The engine's {name.replace('_', ' ')}, at this moment or since it began."
            yield GaugeMetricFamily(f"attune_engine_{name}", about, value=value)


def _backlog(store: Store) -> float:
    try:
        status = store.status()
        return status.waiting + status.leased
    except StoreError:
        return -1.0
