"""The traffic: how many requests are being answered, and whether new ones are let in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Traffic:
    """Requests in flight, and what became of them. Of the event loop alone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.in_flight = 0
        self.draining = False
        named = ["route", "status"]
        self._requests = Counter(
            "attune_http_requests", "Requests by route and status.", named, registry=registry
        )
        self._seconds = Histogram(
            "attune_http_seconds",
            "From a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        open_now = Gauge("attune_http_in_flight", "Requests that are being answered.", registry=registry)
        open_now.set_function(lambda: self.in_flight)

    @contextmanager
    def entered(self) -> Iterator[None]:
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1

    def count(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)
