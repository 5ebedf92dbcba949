"""Prism, Beam's own local runner for portable pipelines: built once from the Go module proxy."""

from __future__ import annotations

import os
from pathlib import Path

from services.process import BUILD, build, needs, once

_MODULE = "github.com/apache/beam/sdks/v2/go/cmd/prism"


def binary(version: str) -> Path:
    """The program of Beam `version`, built on first use, which takes minutes.

    Raises Unavailable where Go is missing, or the proxy cannot be reached.
    """

    def make(folder: Path) -> None:
        needs("go")
        environment = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "-buildvcs=false"}
        build("Prism", ["nice", "go", "install", f"{_MODULE}@v{version}"], env=environment)

    return once(BUILD / "prism" / version, make) / "prism"


if __name__ == "__main__":
    from importlib.metadata import version as installed

    print(binary(installed("apache-beam")))
