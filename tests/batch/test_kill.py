"""kill -9 of a batch at any moment and the same command again give the same rows. Long: `make kill-batch`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_killed_batches_lose_and_double_nothing_and_keep_their_order() -> None:
    script = [sys.executable, "-m", "tests.batch.kill", "--kills", "6", "--records", "200"]
    root = Path(__file__).parents[2]
    done = subprocess.run(script, cwd=root, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["kills"] == 6
