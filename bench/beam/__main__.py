"""Beam with attune in it, beside the seed's own pipeline; and what Handle costs without a model.

python -m bench.beam setup          # the environment of KerasHub and Beam, once
python -m bench.beam                # writes docs/benchmarks.md
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from attune.models import POCKET
from bench import report
from bench.beam import ours
from bench.engine.chats import write_work
from bench.engine.setup import ROOT, environ

HERE = Path(__file__).parent
_WAYS = {"seed, one by one": ("one", 12), "seed, batched": ("batched", 48)}


def setup(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = ("-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(HERE / "requirements.txt"))
    subprocess.run([str(folder / "bin" / "python"), *install], check=True)


def seed(python: Path, way: str, chats: int, work: Path) -> float:
    """Chats per second of the seed's pipeline, on the chats nearest to the median length."""
    runner = [str(python), "-m", "bench.beam.seed", "--model", str(POCKET), "--work", str(work), "--middle"]
    command = [*runner, "--chats", str(chats), "--way", way]
    done = subprocess.run(command, env=environ(), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    return float(result["chats"] / result["seconds"])


def race(python: Path, chats: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work.jsonl"
        write_work("pocket", POCKET, 60, work)
        rates = {name: (seed(python, way, count, work), count) for name, (way, count) in _WAYS.items()}
    measured = ours.warm_pocket(chats)
    rates["attune's Handle"] = len(measured) / ours.pocket(measured), chats
    best = rates["attune's Handle"][0]
    rows = [(name, f"{rate:.2f}", f"{best / rate:.1f} ×", count) for name, (rate, count) in rates.items()]
    return report.table(("Beam's direct runner", "chats/s", "attune is", "chats"), rows)


def overhead(sizes: list[int]) -> str:
    ours.scripted(1000)
    rows = []
    for size in sizes:
        each_us = [took(size) / size * 1e6 for took in (ours.scripted, ours.act, ours.maps)]
        rows.append((f"{size:,}", f"{1e6 / each_us[0]:,.0f}", *(f"{us:.0f}" for us in each_us)))
    head = ("elements", "Handle, elements/s", "Handle, µs each", "the act alone, µs", "plain Maps, µs")
    return report.table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("race", "setup"), default="race")
    parser.add_argument("--environment", type=Path, default=ROOT / "build" / "bench-beam")
    parser.add_argument("--chats", type=int, default=300)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    options = parser.parse_args()
    if options.what == "setup":
        setup(options.environment)
        return
    speed = race(options.environment / "bin" / "python", options.chats)
    cores = len(os.sched_getaffinity(0))
    body = (
        f"{speed}\n\nAll on {cores} of the cores. The seed's shape is RunInference with a KerasHub-on-JAX "
        "handler in bfloat16 on random "
        "weights of the embedded model's shape, triage for all and a reply for every third; its chats are "
        "those nearest to the median length, batched as they come; compiling and loading are not counted. "
        "attune answers the "
        "sample chats at their real lengths, drafts for those it finds unhappy, and chooses excerpts by "
        f"likelihood, as the embedded model's tasks want it.\n\n{overhead(options.sizes)}\n\n"
        "The scripted engine answers at once: what is left is Beam, the act and its threads."
    )
    print(body)
    if not options.dry:
        report.write("In Apache Beam", "make bench-beam", body)


if __name__ == "__main__":
    main()
