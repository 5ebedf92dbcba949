"""T5 beside Transformers, in pairs: python -m bench.t5 [--shape flan-t5-base] [--chats 32] [--rounds 3].

Needs the extra [models]; makes its models on first use, under build/bench-t5.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import report
from bench.t5.make import SHAPES
from bench.t5.work import WAYS

PLACE = Path("build/bench-t5")
TITLES = {
    "sentiment": "sentiment, one of three",
    "greedy": "40 tokens, greedy",
    "beams": "40 tokens, 4 beams",
    "drawn": "40 tokens, drawn without a seed",
}
_NOTE = """
Chats/s, medians of {rounds} pairs, a process each, cores: {cores}. Random weights in the shape of {shape}
(the published ones cannot be fetched where this ran), {chats} sample chats of their real lengths up to 512
tokens. attune: int8, defaults, all requests at once. Transformers: {dtype}, the faster type here (greedy:
{trial} chats/s); batches of 16 sorted by length. A choice is one step of the decoder on
both sides. Drawn: temperature 1, top_k 50, top_p 0.95.

Memory of the process at its peak, over all four: attune {ours:,.0f} MB, Transformers {theirs:,.0f} MB,
{share:.2f} × as much.
"""
Told = dict[str, Any]


def run(*args: str) -> Told:
    """What one side says of a run, in a process of its own."""
    done = subprocess.run([sys.executable, "-m", *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    told: Told = json.loads(done.stdout.splitlines()[-1])
    print(told, file=sys.stderr, flush=True)
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


def tried(theirs: Path, chats: int) -> dict[str, float]:
    """How many greedy texts a second Transformers writes with weights of each type."""
    return {
        dtype: run("bench.t5.theirs", str(theirs), str(chats), dtype, "greedy")["per_s"]["greedy"]
        for dtype in ("float32", "bfloat16")
    }


def pair(theirs: Path, ours: Path, chats: int, dtype: str) -> tuple[Told, Told]:
    """What attune and Transformers said, one after the other."""
    mine = run("bench.t5.ours", str(ours), str(chats))
    return mine, run("bench.t5.theirs", str(theirs), str(chats), dtype)


def row(way: str, told: list[tuple[Told, Told]]) -> list[str]:
    """Chats per second of both sides, and how many times as fast attune was: median, least and most."""
    rates = [(mine["per_s"][way], other["per_s"][way]) for mine, other in told]
    times = [mine / other for mine, other in rates]
    medians = (statistics.median(side) for side in zip(*rates, strict=True))
    spread = f"{min(times):.1f} to {max(times):.1f}"
    return [TITLES[way], *(f"{rate:.2f}" for rate in medians), f"{statistics.median(times):.1f} ×", spread]


def body(
    given: argparse.Namespace, rates: dict[str, float], dtype: str, told: list[tuple[Told, Told]]
) -> str:
    """The section: a row for each way, and what was run."""
    ours, theirs = (max(side["peak_mb"] for side in sides) for sides in zip(*told, strict=True))
    trial = ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items())
    cores = len(os.sched_getaffinity(0))
    peaks = {"ours": ours, "theirs": theirs, "share": ours / theirs}
    note = _NOTE.format(**vars(given), **peaks, cores=cores, dtype=dtype, trial=trial)
    head = ("what", "attune", "Transformers", "attune is", "pairs")
    libraries = ", ".join(f"{name} {version(name)}" for name in ("ctranslate2", "transformers", "torch"))
    return f"{report.table(head, [row(way, told) for way in WAYS])}\n{note}\n{libraries}."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.t5", description=__doc__)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="flan-t5-small")
    parser.add_argument("--chats", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    given = parser.parse_args()
    folders = made(given.shape)
    rates = tried(folders[0], given.chats)
    dtype = max(rates, key=rates.__getitem__)
    told = [pair(*folders, given.chats, dtype) for _ in range(given.rounds)]
    text = body(given, rates, dtype, told)
    print(text)
    if not given.dry:
        report.write(f"T5 beside Transformers: {given.shape}", "make bench-t5", text)


if __name__ == "__main__":
    main()
