"""The service in this process for details, and as its users have it: another process on loopback."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient
from tests.cli.conftest import COMMAND, clean_environment

from attune import connect
from attune.engines import Engine
from attune.handle import Act
from attune.limits import Limits
from attune.metrics import Metrics
from attune.serve.application import application
from attune.serve.background import Background
from attune.serve.bounds import Bounds
from attune.serve.intake import Intake
from attune.serve.keys import Keys
from attune.serve.service import Service
from attune.serve.shelf import Shelf
from attune.serve.traffic import Traffic
from attune.store import Store
from attune.testing import ScriptedEngine

HERE = "http://127.0.0.1"
Make = Callable[..., Service]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes services, each with a store of its own, and closes them."""
    with contextlib.ExitStack() as open_things:

        def made(
            engine: Engine | None = None, bounds: Bounds | None = None, keys: tuple[str, ...] = ()
        ) -> Service:
            used = engine or ScriptedEngine()
            store = open_things.enter_context(Store.open(tmp_path / f"{time.monotonic_ns()}.db"))
            act = Act(connect.task("triage", "scripted:"), used, timeout_s=20)
            metrics = Metrics(store, act)
            intake = Intake(store, act, Limits(), metrics.watch)
            open_things.callback(intake.close)
            if engine is None:
                open_things.callback(used.close)
            shelf = Shelf(tmp_path / "files")
            background = Background(shelf, act, Limits())
            open_things.callback(background.close)
            parts = (intake, metrics, Traffic(metrics.registry), shelf, background)
            return Service(act, store, bounds or Bounds(), Keys(keys), *parts)

        yield made


@pytest.fixture
def service(make: Make) -> Service:
    return make()


@pytest.fixture
def client(service: Service) -> TestClient:
    return client_of(service)


def client_of(service: Service) -> TestClient:
    return TestClient(application(service), base_url=HERE, raise_server_exceptions=False)


@contextlib.contextmanager
def listening(service: Service) -> Iterator[str]:
    """The service on a real socket, in a thread: the address."""
    config = uvicorn.Config(application(service), port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"{HERE}:{port}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass(frozen=True, slots=True)
class Running:
    """A process of `attune serve`."""

    process: subprocess.Popen[str]
    address: str

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextlib.contextmanager
def running(folder: Path, *args: str, **variables: str) -> Iterator[Running]:
    """`attune serve` in `folder`, which is killed at the end if it is still there."""
    command = [*COMMAND, "serve", "--port", "0", *args]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=folder, env=clean_environment() | variables, **pipes)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("attune answers on http"), process.communicate()
        yield Running(process, line.split()[-1])
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a process with the embedded model."""
    with running(tmp_path_factory.mktemp("pocket"), ATTUNE_ENGINE="pocket") as service:
        yield service.address
