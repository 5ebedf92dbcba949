"""T5 beside Transformers, in pairs: python -m bench.t5 [--shape flan-t5-base] [--chats 32] [--rounds 2].

Needs the extra [models]; makes its models on first use, under build/bench-t5.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import report
from bench.t5.make import SHAPES

PLACE = Path("build/bench-t5")
WAYS = {
    "sentiment": "sentiment chosen",
    "greedy": "text, greedy",
    "beams": "text, 4 beams",
    "drawn": "text, drawn",
}
_NOTE = """
Random weights in the shape of {shape} (the published ones cannot be fetched where this ran),
{chats} sample chats of their real lengths up to 512 tokens, answers of 40 tokens, {rounds} pairs.
attune: int8, defaults, all requests at once. Transformers: float32, batches of 16 sorted by length,
all cores. A choice is one step of the decoder on both sides. Texts are drawn at temperature 0.25,
top_k 50, top_p 0.95: how often a draw is the model's own best decides attune's speed there, see
[engines](engines.md#t5-flan-t5-and-mt5). Memory is the process at its peak.
"""


def run(*args: str) -> dict[str, Any]:
    """What one side says of a run, in a process of its own."""
    done = subprocess.run([sys.executable, "-m", *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def made(shape: str) -> tuple[Path, Path]:
    """The model as a Hugging Face folder, and as attune adds it."""
    theirs, ours = PLACE / shape, PLACE / "models" / shape
    if not theirs.is_dir():
        subprocess.run([sys.executable, "-m", "bench.t5.make", str(theirs), shape], check=True)
    if not ours.is_dir():
        add = ["attune", "models", "add", str(theirs), "--models", str(ours.parent)]
        subprocess.run([sys.executable, "-m", *add], check=True)
    return theirs, ours


def pair(shape: str, way: str, chats: int, rounds: int) -> list[str]:
    """A row: chats per second and memory of both sides, medians of so many pairs."""
    theirs, ours = made(shape)
    mine: list[dict[str, Any]] = []
    other: list[dict[str, Any]] = []
    for _ in range(rounds):
        mine.append(run("bench.t5.ours", str(ours), str(chats), way))
        other.append(run("bench.t5.theirs", str(theirs), str(chats), way, "float32"))
    times = statistics.median(a["per_s"] / b["per_s"] for a, b in zip(mine, other, strict=True))
    memory = statistics.median(a["peak_mb"] / b["peak_mb"] for a, b in zip(mine, other, strict=True))
    rates = [statistics.median(side["per_s"] for side in runs) for runs in (mine, other)]
    peaks = [max(side["peak_mb"] for side in runs) for runs in (mine, other)]
    cells = [f"{rates[0]:.2f}", f"{rates[1]:.2f}", f"{times:.1f} ×"]
    return [WAYS[way], *cells, f"{peaks[0]:.0f} MB", f"{peaks[1]:.0f} MB", f"{memory:.2f} ×"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.t5", description=__doc__)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="flan-t5-small")
    parser.add_argument("--chats", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    options = parser.parse_args()
    rows = [pair(options.shape, way, options.chats, options.rounds) for way in WAYS]
    head = (
        "what",
        "attune, chats/s",
        "Transformers",
        "attune is",
        "attune's memory",
        "theirs",
        "attune needs",
    )
    libraries = f"ctranslate2 {version('ctranslate2')}, transformers {version('transformers')}"
    note = _NOTE.format(shape=options.shape, chats=options.chats, rounds=options.rounds)
    body = f"{report.table(head, rows)}\n{note}\n{libraries}, torch {version('torch')}."
    print(body)
    if not options.dry:
        report.write(f"T5 beside Transformers: {options.shape}", "make bench-t5", body)


if __name__ == "__main__":
    main()
