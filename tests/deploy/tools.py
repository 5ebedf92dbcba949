"""The tools that `make lint-deploy` sets up, found there or on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "attune"
TOOLS = ROOT / "build" / "deploy"
KUBERNETES = "1.34.0"
_PLACES = (TOOLS / "bin", Path(sys.executable).parent)


def tool(name: str) -> str:
    """The path of a tool; without it the test is skipped, and says how to have it."""
    places = os.pathsep.join(map(str, (*_PLACES, os.environ.get("PATH", ""))))
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"{name} is not installed: make lint-deploy builds it")
    return found


def said(*command: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What a command prints, stdout and stderr together, and how it ends."""
    return subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        env=dict(env) if env is not None else None,
        check=False,
    )
