"""Java programs from Maven Central, by a pom that names them; fetched once and kept in build/services."""

from __future__ import annotations

import hashlib
from pathlib import Path

from services.process import BUILD, build, needs, once


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
