"""Training beside PEFT and Transformers' Trainer, in pairs: python -m bench.tune [--rounds 3] [--epochs 3].

Needs the extra [tune]; makes a T5 with random weights on first use, under build/bench-tune.
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
from bench.t5.make import make
from bench.tune.work import bakery, t5

T5 = Path("build/bench-tune/flan-t5-small")
DTYPES = ("float32", "bfloat16")
_NOTE = """
Tokens/s of the lessons, prompt and answer, each counted whole; medians of {rounds} pairs, a process each,
{cores} cores; {epochs} epochs, from the first step to the last. The rival is PEFT's LoRA in Transformers'
Trainer: batches of four padded to the longest, lessons of like length together, and of float32 and bfloat16
the faster. Both train rank 8 in all linear layers with AdamW, and count the same tokens. pocket: twenty mails
to a Korean bakery with their replies, {pocket:,} tokens. T5: random weights in the shape of flan-t5-small,
twenty sample chats, {t5:,} tokens. attune writes its adapter and its checkpoint after each epoch on the way.
"""
Told = dict[str, Any]


def run(*args: str) -> Told:
    """What one side says of a run, in a process of its own."""
    done = subprocess.run([sys.executable, "-m", *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    told: Told = json.loads(done.stdout.splitlines()[-1])
    print(args, told, file=sys.stderr, flush=True)
    return told


def pairs(base: str, epochs: int, rounds: int) -> list[tuple[Told, Told]]:
    """What attune and the rival said, one after the other, in so many rounds."""
    tried = {kind: run("bench.tune.theirs", base, "2", kind)["tokens_per_s"] for kind in DTYPES}
    kind = max(tried, key=tried.__getitem__)
    return [
        (
            run("bench.tune.ours", base, str(epochs)),
            run("bench.tune.theirs", base, str(epochs), kind) | {"dtype": kind},
        )
        for _ in range(rounds)
    ]


def row(title: str, told: list[tuple[Told, Told]]) -> list[str]:
    rates = [(mine["tokens_per_s"], theirs["tokens_per_s"]) for mine, theirs in told]
    times = [mine / theirs for mine, theirs in rates]
    ours, theirs = (statistics.median(side) for side in zip(*rates, strict=True))
    memory = (max(side["peak_mb"] for side in sides) for sides in zip(*told, strict=True))
    spread = f"{min(times):.1f} to {max(times):.1f}"
    plain = f"{theirs:,.0f} ({told[0][1]['dtype']})"
    peaks = [f"{peak:,.0f}" for peak in memory]
    return [title, f"{ours:,.0f}", plain, f"{statistics.median(times):.1f} ×", spread, *peaks]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.tune", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    given = parser.parse_args()
    if not T5.is_dir():
        make(T5, "flan-t5-small")
    rows = [
        row("pocket", pairs("pocket", given.epochs, given.rounds)),
        row("T5", pairs(str(T5), given.epochs, given.rounds)),
    ]
    head = ("base", "attune", "plain", "attune is", "pairs", "peak MB", "plain's")
    tokens = {name: sum(map(len, work.lessons)) for name, work in (("pocket", bakery(1)), ("t5", t5(T5, 1)))}
    note = _NOTE.format(**vars(given), **tokens, cores=len(os.sched_getaffinity(0)))
    libraries = ", ".join(f"{name} {version(name)}" for name in ("peft", "transformers", "torch"))
    text = f"{report.table(head, rows)}\n{note}\n{libraries}."
    print(text)
    if not given.dry:
        report.write("Tuning beside PEFT and Trainer", "make bench-tune", text)


if __name__ == "__main__":
    main()
