"""Beam with attune in it, beside the seed's own pipeline; and what Handle costs without a model.

python -m bench.beam setup          # the environment of KerasHub and Beam, once
python -m bench.beam                # writes docs/benchmarks.md; race or cost alone do half of it
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from attune.chat import Chat
from attune.models import POCKET
from bench import report
from bench.beam import ours
from bench.beam.ends import Took
from bench.pipeline import unread
from bench.race.chats import chats, write_work
from bench.race.setup import ROOT, environ
from bench.race.work import WARM

HERE = Path(__file__).parent
WEIGHTS = ROOT / "models" / "pocket-hf"
"""The embedded model as its makers had it before the weights became int8."""
_WAYS = {"seed, one by one": "one", "seed, batched": "batched"}
_ROUNDS = 5


def setup(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = ("-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(HERE / "requirements.txt"))
    subprocess.run([str(folder / "bin" / "python"), *install], check=True)


def write_middle(count: int, work: Path) -> list[Chat]:
    """Writes the questions about the `count` sample chats nearest to the median length, and gives those."""
    pool = 2 * count
    write_work("pocket", POCKET, pool, work)
    head, *jobs = work.read_text(encoding="utf-8").splitlines(keepends=True)
    read = chats(pool)
    assert len(jobs) == len(read), "a chat was left out: which question is whose is not known"
    pairs = sorted(
        zip(jobs[WARM:], read[WARM:], strict=True), key=lambda pair: len(json.loads(pair[0])["triage"]["ids"])
    )
    middle = pairs[(pool - count) // 2 :][:count]
    work.write_text("".join([head, *jobs[:WARM], *(line for line, _ in middle)]), encoding="utf-8")
    return [chat for _, chat in middle]


def seed(python: Path, way: str, work: Path) -> Took:
    """What the seed's pipeline took."""
    paths = ("--model", str(WEIGHTS), "--work", str(work))
    command = [str(python), "-m", "bench.beam.seed", *paths, "--way", way]
    done = subprocess.run(command, env=environ(), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Took(**json.loads(done.stdout.splitlines()[-1]))


def rounds(read: list[Chat]) -> Took:
    """What attune took: the median of a few rounds, in none of which a chat was read before."""
    ours.warm_pocket()
    took = [ours.pocket(unread(read, f"round-{number}-")) for number in range(_ROUNDS)]
    return sorted(took, key=lambda each: each.seconds)[_ROUNDS // 2]


def race(python: Path, count: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work.jsonl"
        read = write_middle(count, work)
        found = {name: seed(python, way, work) for name, way in _WAYS.items()}
    found["attune's Handle"] = best = rounds(read)
    rows = [
        (
            name,
            f"{took.rate:.2f}",
            f"{best.rate / took.rate:.1f} ×",
            f"{median(took.each):.2f}",
            f"{max(took.each):.2f}",
        )
        for name, took in found.items()
    ]
    head = (
        "Beam's direct runner",
        "chats/s",
        "attune is",
        "half have their outcome after, s",
        "all after, s",
    )
    return f"""{report.table(head, rows)}

On {_cores()}. The seed's shape is RunInference with a KerasHub-on-JAX handler in bfloat16; both sides
have the embedded model's weights, attune's are int8. Both read the {count} sample chats nearest to the
median length, given at once; compiling and loading are not counted. The seed's side answers triage for
all and a reply for every third, each until it ends, at most as long as the longest that fits. attune
drafts for those it finds unhappy, and chooses excerpts by likelihood, as the embedded model's tasks want
it; the median of {_ROUNDS} rounds."""


def cost(sizes: list[int]) -> str:
    """What Handle costs with an engine that answers at once, beside plain Maps."""
    ours.scripted(1000)
    rows = []
    for size in sizes:
        each_us = [took(size) / size * 1e6 for took in (ours.scripted, ours.act, ours.maps)]
        rows.append((f"{size:,}", f"{1e6 / each_us[0]:,.0f}", *(f"{us:.0f}" for us in each_us)))
    head = ("elements", "Handle, elements/s", "Handle, µs each", "the act alone, µs", "plain Maps, µs")
    return f"""{report.table(head, rows)}

On {_cores()}, one process. The scripted engine answers at once: what is left is Beam, the act and its
threads. Beam's direct runner keeps all elements of a stage in memory, {_peak_gib():.1f} GiB at the most
here; other runners do not."""


def _cores() -> str:
    return f"{len(os.sched_getaffinity(0))} of the cores"


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=("race", "cost", "setup"), default=["race", "cost"])
    parser.add_argument("--environment", type=Path, default=ROOT / "build" / "bench-beam")
    parser.add_argument("--chats", type=int, default=48)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    options = parser.parse_args()
    if "setup" in options.what:
        setup(options.environment)
    if "race" in options.what:
        _tell("In Apache Beam", race(options.environment / "bin" / "python", options.chats), options.dry)
    if "cost" in options.what:
        _tell("What Beam adds", cost(options.sizes), options.dry)


def _tell(section: str, body: str, dry: bool) -> None:
    print(body)
    if not dry:
        report.write(section, "make bench-beam", body)


if __name__ == "__main__":
    main()
