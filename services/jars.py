"""Java programs from Maven Central, by a pom that names them; fetched once and kept in build/services."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from services.process import BUILD, Unavailable, needs


def fetch(name: str) -> Path:
    """The folder of the jars that services/NAME/pom.xml asks for.

    Raises Unavailable where Java or Maven is missing, or the registry cannot be reached.
    """
    needs("java", "mvn")
    pom = Path(__file__).parent / name / "pom.xml"
    version = hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    jars = BUILD / name / version
    jars.parent.mkdir(parents=True, exist_ok=True)
    with (jars.parent / "lock").open("w") as lock:  # several workers of the tests may ask at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            _copy(pom, jars)
    return jars


def _copy(pom: Path, jars: Path) -> None:
    half = jars.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    copy = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={half}"]
    done = subprocess.run(copy, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"the jars could not be fetched: {(done.stdout + done.stderr).strip()[-400:]}")
    half.rename(jars)
