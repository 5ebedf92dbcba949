"""kill -9 at any moment and a restart give the same rows as no kill at all. The long form: `make kill`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _kill(database: str, kills: int, mode: str) -> None:
    script = [sys.executable, "-m", "tests.acceptance.kill", "--database", database, "--mode", mode]
    size = ["--kills", str(kills), "--chats", "200", "--lease-s", "1"]
    done = subprocess.run(
        [*script, *size], cwd=ROOT, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["kills"] >= kills


@pytest.mark.parametrize("mode", ["file", "queue"])
def test_killed_workers_lose_and_double_nothing_on_sqlite(mode: str) -> None:
    _kill("sqlite", 3, mode)


def test_killed_workers_lose_and_double_nothing_on_postgres(postgres_server: str) -> None:
    _kill(postgres_server, 3, "queue")
