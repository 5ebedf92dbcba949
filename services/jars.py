"""Java programs from Maven Central, by a pom that names them; fetched once and kept in build/services."""

from __future__ import annotations

import hashlib
from pathlib import Path

from services.process import BUILD, build, needs, once

_OPEN = (
    *("lang", "lang.invoke", "lang.reflect", "io", "net", "nio", "text", "time", "util"),
    *("util.concurrent", "util.concurrent.atomic", "util.concurrent.locks"),
)
"""Packages under java. that Flink and Spark look into, which Java 17 must be told to let them."""


def java(classpath: str, heap_mb: int) -> list[str]:
    """The command that runs a class of `classpath`, which starts fast and takes little memory."""
    opened = [*(f"java.{name}" for name in _OPEN), "sun.nio.ch", "sun.util.calendar"]
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in opened]
    return [
        "java",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        *opens,
        f"-Xmx{heap_mb}m",
        "-cp",
        classpath,
    ]


def fetch(name: str) -> Path:
    """The folder of the jars that services/NAME/pom.xml asks for.

    Raises Unavailable where Java or Maven is missing, or the registry cannot be reached.
    """
    needs("java", "mvn")
    pom = Path(__file__).parent / name / "pom.xml"
    version = hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    copy = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    return once(
        BUILD / name / version, lambda jars: build(f"{name}'s jars", [*copy, f"-DoutputDirectory={jars}"])
    )
