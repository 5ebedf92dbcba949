"""Flat memory of a batch: the peak over very many records beside that over few.

    python -m bench.batch                    # 10,000 and 1,000,000 records; some five minutes
    python -m bench.batch --few 3000 --many 30000 --json

The engine is scripted, so the rate is what the batch itself can do at most.
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

_STORY = "I ordered number {0} and it never came, so I called, and called again."


def peak_mb(count: int, ordered: bool = False) -> tuple[float, float]:
    """Peak resident memory in MB, and records/s, of `attune batch` over `count` records."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
        with source.open("w", encoding="utf-8") as file:
            for number in range(count):
                file.write(json.dumps({"id": number, "text_inputs": _STORY.format(number)}) + "\n")
        words = ["batch", str(source), str(out), "--engine", "scripted:", "--json", "--quiet"]
        command = [sys.executable, "-m", "attune", *words, *(["--ordered"] if ordered else [])]
        started = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
            assert run.stdout is not None
            said = run.stdout.read()
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
        counts = json.loads(said)
        if run.returncode != 0 or not counts["reconciled"] or counts["ok"] != count:
            raise SystemExit(f"the batch of {count:,} did not end well: exit {run.returncode}, {counts}")
        return usage.ru_maxrss / 1024, count / (time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--ordered", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    peaks = {count: peak_mb(count, options.ordered) for count in (options.few, options.many)}
    ratio = peaks[options.many][0] / peaks[options.few][0]
    if options.json:
        print(json.dumps({"mb": {count: mb for count, (mb, _) in peaks.items()}, "ratio": ratio}))
        return
    rows = [(f"{count:,}", f"{mb:.0f}", f"{rate:,.0f}") for count, (mb, rate) in peaks.items()]
    table = report.table(("records", "peak memory, MB", "records/s"), rows)
    body = f"{table}\n\nRatio of the peaks: {ratio:.3f}."
    print(body)
    report.write("Memory over a long batch, scripted engine", "make soak-batch", body)


if __name__ == "__main__":
    main()
