"""Kills a training at random moments, again and again, and compares its adapters with those of one in peace.

    python -m tests.tune.kill                # 30 kills
    python -m tests.tune.kill --kills 3

Exit code 0: every epoch's weights are the same, byte by byte.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.tune.small import lessons, small

from attune.tune import sitting
from attune.tune.settings import Settings
from attune.tune.train import Answering, Epoch, Step, train

_SETTINGS = Settings(epochs=8, batch=2, accumulate=2, dropout=0.1, learning_rate=0.02, patience=0)
_PROCESSES = multiprocessing.get_context("forkserver")
# What takes seconds to import is there when a life begins, so that kills come while it trains.
_PROCESSES.set_forkserver_preload(["attune.tune.sitting", "transformers.models.gemma3.modeling_gemma3"])


class Silent:
    """A watch that says nothing."""

    def step(self, done: Step) -> None: ...

    def epoch(self, figures: Epoch, answer: Answering) -> Mapping[str, Any]:
        return {}


def life(base: Path, folder: Path) -> None:
    """One sitting; each step is saved, so that most kills come in the middle of something."""
    sitting._SAVED_S = 0
    train(base, lessons(9), lessons(3, seed=2), _SETTINGS, folder, Silent())


def lived(base: Path, folder: Path, saves: int = 0, late_s: float = 0.0) -> bool:
    """Runs a life, killed `late_s` seconds after so many saves; whether it came to its own end first."""
    process = _PROCESSES.Process(target=life, args=(base, folder))
    process.start()
    state = folder / "checkpoint" / "state.pt"
    seen: set[int] = set()
    while process.is_alive() and (not saves or len(seen) < saves):
        seen |= {state.stat().st_mtime_ns} if state.exists() else set()
        time.sleep(0.001)
    process.join(late_s if process.is_alive() else None)
    process.kill()
    process.join()
    assert process.exitcode in (0, -9), "it failed"
    return process.exitcode == 0


def adapters(folder: Path) -> list[tuple[str, bytes]]:
    found = sorted((folder / "epochs").rglob("*.*"))
    return [(str(path.relative_to(folder)), path.read_bytes()) for path in found]


def kill(kills: int, seed: int) -> None:
    """Raises AssertionError where a killed training ends otherwise than one in peace."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        base, peace = small("gemma3", Path(name) / "base"), Path(name) / "peace"
        assert lived(base, peace)
        killed = 0
        while killed < kills:
            war = Path(name) / f"war-{killed}"
            while killed < kills and not lived(base, war, draw.randint(1, 9), draw.uniform(0, 0.1)):
                killed += 1
            assert lived(base, war)
            assert len(adapters(peace)) == 2 * _SETTINGS.epochs
            assert adapters(war) == adapters(peace), "other weights"
            print(f"{killed}/{kills} kills: the same weights", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    kill(given.kills, given.seed)
    print(json.dumps({"kills": given.kills}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
