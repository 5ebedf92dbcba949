"""How soon, and how often wrongly, the report on arms says that an arm is better.

    python -m bench.arms
    python -m bench.arms --runs 100 --json

Scripted reviewers review two arms, and the report's own comparison looks after every tenth review: a thousand
times 2,000 reviews of arms that are alike, which it should never tell apart; and of arms of which one is
better by so much, which it should find soon. Beside it a z-test of the two means at 5 %, looked at after
every fiftieth, as people do who look daily. Then 2,000 reviews are decided at the desk of a store, and the
report is asked after every hundredth. Writes a section of docs/benchmarks.md and docs/arms-report.svg.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from dataclasses import asdict, dataclass

import numpy as np
from rich.console import Console
from rich.progress import track
from tests.compare.reviews import BINS, PLAIN, better, decide, first, settle, stream, taste

from attune.compare.difference import calls
from attune.compare.stakes import Array, Truth, values
from attune.compare.verdict import verdict
from attune.store import Store
from bench import report
from bench.arms.picture import steps

PICTURE = report.PAGE.parent / "arms-report.svg"
REVIEWS, EACH, DAY, DESK_EACH = 2000, 10, 50, 100
EFFECTS = (0.05, 0.1, 0.15, 0.2, 0.3)
WEIGHTS = (0.5, 0.1)
_Z, _POWER_Z = 1.96, 0.8416
_LIKED = taste(0.95, 0.02)
_WAYS = """A score is 1 for a draft that is sent as it is, 0 for one that is rejected, else what an edit let
stand. First two arms that are alike, {runs:,} times {reviews:,} reviews in each line: the report looks after
every {each}th, a z-test at 5 % after every {day}th, as people do who look daily. Then of A's drafts half are
sent as they are, a quarter is edited, a quarter rejected, and B's mean score is so much higher, {fewer:,} times
in each line: in how many the report found it, and after how many reviews in the median. The last column is
how many reviews a z-test needs that looks once, to find it in 8 of 10 cases, had one known the difference."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the looks of many runs came to: of `better` by the report, and by the daily z-test."""

    weight: float
    by: float
    what: str
    called: float
    """The share of runs in which the report called an arm better or worse, and it is not."""
    found: float
    median: float
    z_called: float
    z_found: float


def simulate(
    a: Array, b: Array, weight: float, by: float, runs: int, what: str
) -> tuple[Found, list[float], list[float]]:
    """Many runs; also after how many reviews each was first called, by the report and by the z-test."""
    drawn = np.random.default_rng(8)
    ours, theirs, wrong, z_wrong = [], [], 0, 0
    console = Console(stderr=True)
    for _ in track(range(runs), f"{what}, B {weight:.0%}, {by:+.2f}", console=console, transient=True):
        of_a, of_b = stream(a, b, weight, REVIEWS, EACH, drawn)
        up, down = calls(of_a, of_b)
        z_up, z_down = peeked(of_a, of_b)
        ours.append(first(up if by else up | down, EACH))
        theirs.append(first(z_up if by else z_up | z_down, DAY))
        wrong += bool(down.any() or (not by and up.any()))
        z_wrong += bool(z_down.any() or (not by and z_up.any()))
    found, z_found = (float(np.isfinite(each).mean()) if by else 0.0 for each in (ours, theirs))
    told = Found(weight, by, what, wrong / runs, found, float(np.median(ours)), z_wrong / runs, z_found)
    return told, ours, theirs


def peeked(a: Array, b: Array) -> tuple[Truth, Truth]:
    """Whether a z-test of two means finds B better, and worse, after each day."""
    points = values(BINS)
    days = slice(DAY // EACH - 1, None, DAY // EACH)
    n = [np.cumsum(each.sum(1))[days] for each in (a, b)]
    means = [np.cumsum(each @ points)[days] / np.maximum(1, k) for each, k in zip((a, b), n, strict=True)]
    squares = [
        np.cumsum(each @ points**2)[days] / np.maximum(1, k) for each, k in zip((a, b), n, strict=True)
    ]
    variances = [
        (square - mean**2) / np.maximum(1, k) for square, mean, k in zip(squares, means, n, strict=True)
    ]
    z = (means[1] - means[0]) / np.sqrt(np.maximum(sum(variances), 1e-12))
    enough = np.minimum(*n) >= 2
    return enough & (z > _Z), enough & (z < -_Z)


def fixed(a: Array, b: Array, weight: float) -> int:
    """The reviews that a two-sided z-test at 5 % with a power of 80 % needs, looked at once."""
    points = values(BINS)
    variance = [float(each @ points**2 - (each @ points) ** 2) for each in (a, b)]
    spread = variance[0] / (1 - weight) + variance[1] / weight
    return math.ceil(spread * ((_Z + _POWER_Z) / float((b - a) @ points)) ** 2)


def at_the_desk() -> tuple[int, str, float]:
    """After how many of 2,000 reviews the report said that B is better; its last sentence; the seconds."""
    began, drawn, said = time.monotonic(), np.random.default_rng(9), 0
    tastes = {"base": PLAIN, "b": better(0.15)}
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/attune.db") as store:
        for done in track(
            range(DESK_EACH, REVIEWS + 1, DESK_EACH), "at the desk", console=Console(stderr=True)
        ):
            settle(store, tuple(tastes), DESK_EACH, done)
            decide(store, tastes, drawn)
            found = verdict(store, "base", "b", time.time())
            if found.difference.better and not said:
                said = done
    return said, found.sentence, time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    alike, different, curves = [], [], dict[str, list[float]]()
    for what, arm in (("half sent as drafted", PLAIN), ("19 of 20 sent as drafted", _LIKED)):
        for weight in WEIGHTS:
            found, ours, theirs = simulate(arm, arm, weight, 0.0, given.runs, what)
            alike.append(found)
            if arm is PLAIN and weight == WEIGHTS[0]:
                curves |= {"alike, the report": ours, "alike, z-test daily": theirs}
    for weight in WEIGHTS:
        for by in EFFECTS:
            found, ours, _ = simulate(PLAIN, better(by), weight, by, given.runs // 5, "better")
            different.append(found)
            if weight == WEIGHTS[0] and by in (0.1, 0.15, 0.2):
                curves = {f"{100 * by:+.0f} points, the report": ours} | curves
    desk = at_the_desk()
    if given.json:
        print(
            json.dumps(
                {
                    "alike": [asdict(each) for each in alike],
                    "better": [asdict(each) for each in different],
                    "desk": desk,
                }
            )
        )
        return 0
    title = "Runs in which one of two arms was called better"
    PICTURE.write_text(steps(title, "reviews decided", REVIEWS, curves), encoding="utf-8")
    told = f"{_ways(given.runs)}\n\n{_alike(alike)}\n\n{_different(different)}\n\n{_desk(*desk)}"
    print(told)
    report.write("Which arm is better", "python -m bench.arms", told)
    return 0


def _ways(runs: int) -> str:
    return _WAYS.format(runs=runs, fewer=runs // 5, reviews=REVIEWS, each=EACH, day=DAY)


def _alike(rows: list[Found]) -> str:
    head = ("reviews of B", "two arms that are alike", "called by the report", "called by a daily z-test")
    return report.table(
        head, [(f"{r.weight:.0%}", r.what, f"{r.called:.1%}", f"{r.z_called:.1%}") for r in rows]
    )


def _different(rows: list[Found]) -> str:
    head = (
        "reviews of B",
        "B is better by",
        "found by the report",
        "median reviews",
        "called worse",
        "z-test, looked at once",
    )
    cells = [
        (
            f"{r.weight:.0%}",
            f"{100 * r.by:.0f} points",
            f"{r.found:.0%}",
            f"{r.median:,.0f}" if math.isfinite(r.median) else "–",
            f"{r.called:.1%}",
            f"{fixed(PLAIN, better(r.by), r.weight):,}",
        )
        for r in rows
    ]
    return report.table(head, cells)


def _desk(said: int, sentence: str, seconds: float) -> str:
    return (
        f"{REVIEWS:,} reviews decided at the desk of a SQLite store by a reviewer who likes B's drafts 15 "
        f"points better: the report said so after {said:,}, and last: “{sentence}” It took {seconds:.0f} s."
    )


if __name__ == "__main__":
    sys.exit(main())
