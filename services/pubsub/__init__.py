"""Google Pub/Sub: the test server of Google's own Go client, built once through the Go module proxy."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.process import BUILD, Unavailable, folder, free_port, listens, needs, running

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
    binary = BUILD / "pubsub" / version
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (binary.parent / "lock").open("w") as lock:  # several workers of the tests may ask at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            _build(here, binary)
    return binary


def _build(here: Path, binary: Path) -> None:
    needs("go")
    half = binary.with_suffix(".half")
    build = ["nice", "go", "build", "-buildvcs=false", "-o", str(half), "."]
    done = subprocess.run(build, cwd=here, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"the Pub/Sub server could not be built: {done.stderr.strip()[-400:]}")
    half.rename(binary)
