"""The process: listens, answers, and drains when it is told to stop."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from attune import stream
from attune.errors import BadConfig
from attune.handle import Acts
from attune.limits import Limits
from attune.metrics import Metrics
from attune.serve import keys
from attune.serve.application import application
from attune.serve.background import Background
from attune.serve.bounds import Bounds
from attune.serve.intake import Intake
from attune.serve.keys import Keys
from attune.serve.service import Service
from attune.serve.shelf import Shelf
from attune.serve.traffic import Traffic
from attune.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service listens, who may ask, and the folder of its files and batches."""

    host: str
    port: int
    keys: Keys
    files: Path


def serve(
    acts: Acts,
    store: Store,
    place: Place,
    limits: Limits,
    bounds: Bounds,
    follow: bool,
    ready: Callable[[str], None],
    beside: Callable[[ASGIApp], ASGIApp] | None = None,
) -> None:
    """Answers requests until SIGTERM or Ctrl-C, then finishes those in flight. `ready` is told the address.

    What an earlier process left in the store's queue is worked through besides, and with `follow` whatever
    comes into it. `beside` puts pages of another kind beside the service's: it is given these, behind their
    gate, and gives all. Raises BadConfig where the place cannot be had.
    """
    keys.check(place.host, place.keys)
    metrics = Metrics(store, acts)
    queue = stream.running(None, store, acts, limits, follow=follow, watch=metrics.watch)
    with listening(place.host, place.port) as listener, queue:
        intake = Intake(store, acts, limits, metrics.watch)
        traffic = Traffic(metrics.registry)
        local = keys.is_loopback(place.host)
        shelf = Shelf(place.files)
        background = Background(shelf, acts, limits)
        parts = (intake, metrics, traffic, shelf, background)
        service = Service(acts, store, bounds, place.keys, *parts, local)
        app = application(service)
        server = _Server(
            uvicorn.Config(
                beside(app) if beside else app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                date_header=True,
                timeout_keep_alive=30,
            ),
            service,
        )
        try:
            ready(_address(listener))
            server.run(sockets=[listener])
        finally:
            background.close()
            intake.close()


class _Server(uvicorn.Server):
    """Uvicorn that drains: after the first signal it still listens, so that new requests are told to come
    back (see the gate), and ends when no request is in flight. The second signal ends the process, and so
    does a request that takes longer than it may: that loses nothing, the store's queue has what it had."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._until: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._until is not None:
            os._exit(128 + sig)
        self._service.traffic.draining = True
        self._until = time.monotonic() + self._service.bounds.drain_s

    async def on_tick(self, counter: int) -> bool:
        if self._until is not None:
            self.should_exit = self.should_exit or self._service.traffic.in_flight == 0
            if time.monotonic() > self._until and not self.should_exit:
                log.warning(
                    "Requests in flight did not end in time (drain_s)", extra={"action": "drain_late"}
                )
                os._exit(1)
        return await super().on_tick(counter)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listens while the block lasts; port 0 is any that is free. Raises BadConfig if it cannot be had."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), port), family=kind, backlog=2048)
    except OSError as error:
        raise BadConfig(
            f"{host}:{port} cannot be had: {error.strerror}; choose another --host or --port"
        ) from error
    with listener:
        # For every connection: an answer goes out in two pieces, and the second would wait 40 ms until the
        # client acknowledges the first. asyncio sees to it only for sockets that it made itself.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
