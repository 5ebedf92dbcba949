"""Google Pub/Sub: the test server of Google's own Go client, built once through the Go module proxy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.process import BUILD, build, folder, free_port, listens, needs, once, running

_SOURCES = ("main.go", "go.mod", "go.sum")


@contextmanager
def server() -> Iterator[str]:
    """The address, host:port, of a new empty server: PUBSUB_EMULATOR_HOST for every client of Google's."""
    binary = _built()
    with folder("pubsub") as data:
        port = free_port()
        with running([binary, str(port)], data / "log", lambda: listens(port)):
            yield f"127.0.0.1:{port}"


def _built() -> Path:
    here = Path(__file__).parent
    version = hashlib.sha256(b"".join((here / name).read_bytes() for name in _SOURCES)).hexdigest()[:12]

    def make(binary: Path) -> None:
        needs("go")
        command = ["nice", "go", "build", "-buildvcs=false", "-o", str(binary), "."]
        build("the Pub/Sub server", command, cwd=here)

    return once(BUILD / "pubsub" / version, make)
