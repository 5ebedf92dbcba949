"""Flat memory: the peak of a run over very many chats beside that of a run over few.

    python -m bench.soak                    # 10,000 and 1,000,000 chats; some ten minutes
    python -m bench.soak --few 3000 --many 30000

The chats come through a pipe, as from another program, and the engine is scripted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import report

_COMPLAINT = "I ordered number {0} and it never came, so I called, and called again."
_ANSWER = "We are sorry to hear that, and are looking into order {0} for you."


def generate(count: int) -> None:
    """Writes `count` chats to stdout, none like another."""
    for number in range(count):
        turns = [
            {"role": "customer", "text": _COMPLAINT.format(number)},
            {"role": "agent", "text": _ANSWER.format(number)},
            {"role": "customer", "text": "I hope so, I have been waiting for days."},
        ]
        print(json.dumps({"id": number, "user_id": number % 997, "turns": turns}))


def peak_mb(count: int, quiet: bool = True) -> tuple[float, float]:
    """Peak resident memory in MB, and chats/s, of `attune run -` over `count` chats."""
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "attune.db")
        source = subprocess.Popen(
            [sys.executable, "-m", "bench.soak", "--generate", str(count)], stdout=subprocess.PIPE
        )
        command = [
            sys.executable,
            "-m",
            "attune",
            "run",
            "-",
            "--engine",
            "scripted:",
            "--store",
            store,
            "--json",
        ]
        started = time.monotonic()
        with subprocess.Popen(
            [*command, *(["--quiet"] if quiet else [])], stdin=source.stdout, stdout=subprocess.PIPE
        ) as run:
            assert run.stdout is not None
            said = run.stdout.read()
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
        assert source.stdout is not None
        source.stdout.close()
        source.wait()
        counts = json.loads(said)
        if run.returncode != 0 or counts["table"] + counts["review"] != count:
            raise SystemExit(f"the run of {count:,} chats did not end well: exit {run.returncode}, {counts}")
        return usage.ru_maxrss / 1024, count / (time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--generate", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.generate is not None:
        generate(options.generate)
        return
    few, few_rate = peak_mb(options.few)
    many, many_rate = peak_mb(options.many, quiet=options.json)
    if options.json:
        print(json.dumps({"few_mb": few, "many_mb": many, "ratio": many / few}))
        return
    rows = [
        (f"{options.few:,}", f"{few:.0f}", f"{few_rate:,.0f}"),
        (f"{options.many:,}", f"{many:.0f}", f"{many_rate:,.0f}"),
    ]
    body = (
        report.table(("chats", "peak memory, MB", "chats/s"), rows)
        + f"\n\nRatio of the peaks: {many / few:.3f}."
    )
    print(body)
    report.write("Memory over a long run, scripted engine", "make soak", body)


if __name__ == "__main__":
    main()
