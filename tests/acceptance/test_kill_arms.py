"""kill -9 while arms are changed leaves those before or those after. The long form: `make kill-arms`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _kill(database: str) -> None:
    command = [sys.executable, "-m", "tests.acceptance.kill_arms", "--kills", "12", "--database", database]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["commands"] > 0, "some came to their end"


def test_arms_are_in_one_of_two_states_after_a_kill_on_sqlite() -> None:
    _kill("sqlite")


def test_arms_are_in_one_of_two_states_after_a_kill_on_postgres(postgres_server: str) -> None:
    _kill(postgres_server)
