"""Apache Spark in one process, with Beam's job server in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services import jars
from services.process import folder, free_port, listens, running

_MAIN = "org.apache.beam.runners.spark.SparkJobServerDriver"


@contextmanager
def job_server() -> Iterator[str]:
    """The address, host:port, that Beam's Spark runner takes as --job_endpoint.

    Raises Unavailable where Java, Maven or the jars, 300 MB of them, can't be had.
    """
    java = jars.java(f"{jars.fetch('spark')}/*", heap_mb=600)
    with folder("spark") as data:
        ports = {name: free_port() for name in ("job", "artifact", "expansion")}
        given = [f"--{name}-port={port}" for name, port in ports.items()]
        own = ["--job-host=127.0.0.1", "--spark-master-url=local[2]", f"--artifacts-dir={data}/artifacts"]
        with running([*java, _MAIN, *given, *own], data / "log", lambda: listens(ports["job"])):
            yield f"127.0.0.1:{ports['job']}"
