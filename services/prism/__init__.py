"""Prism, Beam's own local runner for portable pipelines: built once from the Go module proxy."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from services.process import BUILD, Unavailable, needs

_MODULE = "github.com/apache/beam/sdks/v2/go/cmd/prism"


def binary(version: str) -> Path:
    """The program of Beam `version`, built on first use, which takes minutes.

    Raises Unavailable where Go is missing, or the proxy cannot be reached.
    """
    folder = BUILD / "prism" / version
    program = folder / "prism"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # several workers of the tests may ask at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            needs("go")
            _build(version, folder)
    return program


def _build(version: str, folder: Path) -> None:
    environment = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "-buildvcs=false"}
    build = ["nice", "go", "install", f"{_MODULE}@v{version}"]
    done = subprocess.run(build, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"Prism could not be built: {done.stderr.strip()[-400:]}")


if __name__ == "__main__":
    from importlib.metadata import version as installed

    print(binary(installed("apache-beam")))
