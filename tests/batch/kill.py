"""Kills `attune batch` at random moments, again and again, and compares its rows with a job left in peace.

    python -m tests.batch.kill                # 100 kills
    python -m tests.batch.kill --kills 6 --records 150

Exit code 0: the same rows and failures, with --ordered in the same order; none lost, none doubled.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.cli.conftest import COMMAND, clean_environment

from attune.batch.rows import errors_file

_SCRIPT = "scripted:delay_ms={}&fail=0.05"
_LIFE_S = 60.0


def records(folder: Path, count: int) -> Path:
    """A packed file of records, some of which no batch can read."""
    lines = [json.dumps({"id": number, "text_inputs": f"the tale {number} " * 40}) for number in range(count)]
    lines[count // 3] = "no json"
    path = folder / "in.jsonl.gz"
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    return path


def command(source: Path, out: Path, ordered: bool, delay_ms: int) -> list[str]:
    engine = [
        "--engine",
        _SCRIPT.format(delay_ms),
        "--in-flight",
        "8",
        "--tries",
        "1",
        "--max-engine-failures",
        "1000",
    ]
    more = ["--ordered"] if ordered else []
    return [*COMMAND, "batch", str(source), str(out), *engine, *more, "--json", "--quiet"]


def finish(words: list[str]) -> Any:
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=_LIFE_S, env=clean_environment()
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["reconciled"], counts
    return counts


def life_and_death(words: list[str], out: Path, draw: random.Random) -> bool:
    """One life of the job, ended some rows after its begin; False if it came to its own end."""
    before, more = _size(out), draw.randint(0, 12_000)
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment()
    )
    began, early_s = time.monotonic(), draw.uniform(0.2, 1.0) if draw.random() < 0.2 else _LIFE_S
    while process.poll() is None and _size(out) <= before + more and time.monotonic() - began < early_s:
        time.sleep(0.001)
    time.sleep(draw.uniform(0, 0.05))
    process.kill()
    assert process.wait() in (0, -9)
    return process.returncode != 0


def job(folder: Path, source: Path, ordered: bool, kills: int, draw: random.Random) -> int:
    """Kills one job, at most `kills` times, until it is done, and says how often it was."""
    peace, war = folder / "peace.jsonl", folder / "war.jsonl"
    for left in folder.glob("*.json*"):
        if left != source:
            left.unlink()
    finish(command(source, peace, ordered, 0))
    killed = 0
    while killed < kills and life_and_death(command(source, war, ordered, 15), war, draw):
        killed += 1
    finish(command(source, war, ordered, 0))
    for mine, theirs in ((peace, war), (errors_file(peace), errors_file(war))):
        compare(mine.read_bytes(), theirs.read_bytes(), ordered)
    return killed


def compare(peace: bytes, war: bytes, ordered: bool) -> None:
    assert sorted(peace.splitlines()) == sorted(war.splitlines()), "rows are lost, doubled or changed"
    assert not ordered or peace == war, "the rows are in another order"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--records", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        source = records(Path(name), given.records)
        for ordered, until in ((False, given.kills // 2), (True, given.kills)):
            done = 0 if not ordered else given.kills // 2
            while done < until:
                done += job(Path(name), source, ordered, until - done, draw)
                print(f"{done}/{given.kills} kills, ordered {ordered}: the same rows", flush=True)
    print(json.dumps({"kills": given.kills, "records": given.records}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
