"""How soon, and how often wrongly, the report on arms says that an arm is better.

    python -m bench.arms
    python -m bench.arms --runs 100

Scripted reviewers review two arms, and the report's own comparison looks after every twentieth review: a
thousand times 2,000 reviews of arms that are alike, which it should never tell apart; and of arms of which
one is better by so much, which it should find soon. Beside it a z-test of the two means at 5 %, looked at
after every fortieth, as people do who look daily. Then 2,000 reviews are decided at the desk of a store, and
the report is asked after every hundredth. Writes a section of docs/benchmarks.md and docs/arms-report.svg.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from rich.console import Console
from rich.progress import track
from tests.compare.reviews import PLAIN, better, decide, settle

from attune.compare.verdict import verdict
from attune.store import Store
from bench import report
from bench.arms.picture import steps
from bench.arms.simulate import DAY, EACH, REVIEWS, Case, Found, fixed, simulate

PICTURE = report.PAGE.parent / "arms-report.svg"
DESK_EACH = 100
EFFECTS = (0.05, 0.1, 0.15, 0.2, 0.3)
DRAWN = (0.1, 0.15, 0.2)
WEIGHTS = (0.5, 0.1)
_WAYS = """A score is 1 for a draft that is sent as it is, 0 for one that is rejected, else what an edit let
stand. First two arms that are alike, {runs:,} times {reviews:,} reviews in each line: the report looks after
every {each}th, a z-test at 5 % after every {day}th, as people do who look daily. Then of A's drafts half are
sent as they are, a quarter is edited, a quarter rejected, and B's mean score is so much higher, {fewer:,}
times in each line: in how many the report found it, and after how many reviews in the median. The last
column is how many reviews a z-test needs that looks once, to find it in 8 of 10 cases, had one known the
difference before."""


def at_the_desk(console: Console) -> str:
    """What the report said of 2,000 reviews that a store's own desk decided."""
    drawn, said = np.random.default_rng(9), 0
    tastes = {"base": PLAIN, "b": better(0.15)}
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/attune.db") as store:
        for done in track(range(DESK_EACH, REVIEWS + 1, DESK_EACH), "at the desk", console=console):
            settle(store, tuple(tastes), DESK_EACH, done)
            decide(store, tastes, drawn)
            found = verdict(store, "base", "b", time.time())
            if found.difference.better and not said:
                said = done
    return (
        f"{REVIEWS:,} reviews decided at the desk of a SQLite store by a reviewer who likes B's drafts 15 "
        f"points better: the report said so after {said:,}, and last: “{found.sentence}”"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    given = parser.parse_args()
    alike = [Case(weight, 0.0, given.runs, liked) for liked in (False, True) for weight in WEIGHTS]
    different = [Case(weight, by, given.runs // 5) for weight in WEIGHTS for by in EFFECTS]
    console = Console(stderr=True)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        every = pool.map(simulate, [*alike, *different])
        found = list(track(every, "reviewing", len(alike) + len(different), console=console))
    desk = at_the_desk(console)
    curves = {
        f"{100 * each.case.by:.0f} points, the report": each.ours
        for each in reversed(found)
        if each.case.weight == WEIGHTS[0] and each.case.by in DRAWN
    }
    curves |= {"alike, z-test daily": found[0].theirs, "alike, the report": found[0].ours}
    title = "Runs in which an arm was called better or worse"
    PICTURE.write_text(steps(title, "reviews decided", REVIEWS, curves), encoding="utf-8")
    ways = _WAYS.format(runs=given.runs, fewer=given.runs // 5, reviews=REVIEWS, each=EACH, day=DAY)
    told = f"{ways}\n\n{_alike(found[: len(alike)])}\n\n{_different(found[len(alike) :])}\n\n{desk}"
    print(told)
    report.write("Which arm is better", "python -m bench.arms", told)
    return 0


def _alike(found: list[Found]) -> str:
    head = ("reviews of B", "two arms that are alike", "called by the report", "by a daily z-test")
    rows = [
        (
            f"{each.case.weight:.0%}",
            "19 of 20 sent as drafted" if each.case.liked else "half sent as drafted",
            f"{each.wrong:.1%}",
            f"{each.z_wrong:.1%}",
        )
        for each in found
    ]
    return report.table(head, rows)


def _different(found: list[Found]) -> str:
    head = ("reviews of B", "B is better by", "found", "median reviews", "called worse", "z-test, one look")
    rows = [
        (
            f"{each.case.weight:.0%}",
            f"{100 * each.case.by:.0f} points",
            f"{each.found:.0%}",
            f"{each.median:,.0f}" if math.isfinite(each.median) else "–",
            f"{each.wrong:.1%}",
            f"{fixed(*each.case.arms, each.case.weight):,}",
        )
        for each in found
    ]
    return report.table(head, rows)


if __name__ == "__main__":
    sys.exit(main())
