"""A service as a child process: started, waited for, ended, with its log kept until then."""

from __future__ import annotations

import fcntl
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUILD = Path(__file__).parents[1] / "build" / "services"
"""What is fetched and built once: jars and binaries."""


class Unavailable(Exception):
    """The service cannot be had here; the message says why and what to install."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def needs(*commands: str) -> None:
    """Raises Unavailable unless all `commands` are installed."""
    missing = [command for command in commands if shutil.which(command) is None]
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}")


def once(place: Path, make: Callable[[Path], None]) -> Path:
    """`place`, a file or a folder that `make` makes on first use; several processes may ask at once.

    `make` is given another path, whose content appears at `place` when it is whole.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_name(f"{place.name}.half")
    with (place.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            shutil.rmtree(half, ignore_errors=True)
            make(half)
            half.rename(place)
    return place


def build(what: str, command: Sequence[str], **more: Any) -> None:
    """Runs a `command` that builds or fetches `what`. Raises Unavailable with its last words if it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **more
    )
    if done.returncode:
        raise Unavailable(f"{what} could not be had: {(done.stdout + done.stderr).strip()[-400:]}")


@contextmanager
def folder(name: str) -> Iterator[Path]:
    """A new folder for a service's data, removed at the end."""
    path = Path(tempfile.mkdtemp(prefix=f"attune-{name}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    within_s: float = 60.0,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of `command` once `ready()` holds; ended, whatever happens. Its output goes to `log`."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment
        )
    try:
        until = time.monotonic() + within_s
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], patience_s: float = 10.0) -> None:
    """Asks the process to end, then makes it."""
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
