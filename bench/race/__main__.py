"""attune beside what people use today: the same weights, the same chats, each set up as its docs say is best.

python -m bench.race setup                         # environments and models, once; half an hour
python -m bench.race                               # all, some fifty minutes; writes docs/benchmarks.md
python -m bench.race --model pocket --only hf,ray  # a part; results are kept, and a second call goes on
python -m bench.race --again                       # forgets what is kept, and runs anew
python -m bench.race --chats 8 --rounds 1 --dry
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from bench.race import page
from bench.race.chats import POCKET, SHAPE, write_work
from bench.race.kept import Kept
from bench.race.rivals import CHATS, RIVALS
from bench.race.run import Runner
from bench.race.setup import ROOT, Place, setup
from bench.race.work import Result


def main() -> None:
    names = [rival.name for rival in RIVALS]
    parser = argparse.ArgumentParser(
        prog="python -m bench.race", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("race", "setup"), default="race")
    parser.add_argument("--only", default=",".join(names), help=f"some of {', '.join(names)}")
    parser.add_argument("--model", choices=(POCKET, SHAPE), action="append", help="both by default")
    parser.add_argument("--chats", type=int, default=CHATS, help="for the fast; the slow get fewer")
    parser.add_argument("--rounds", type=int, default=3, help="for the fast; the others run once")
    parser.add_argument("--limit", type=float, default=420, help="seconds that a run may take")
    parser.add_argument("--again", action="store_true", help="forget the results that are kept")
    parser.add_argument("--dry", action="store_true", help="print, but write no page and keep no result")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "race", help="environments, models, results"
    )
    options = parser.parse_args()
    only = options.only.split(",")
    if unknown := sorted(set(only) - set(names)):
        parser.error(f"no runner is called {unknown[0]!r}; there are {', '.join(names)}")
    place = Place(options.folder)
    if options.what == "setup":
        setup(place)
        return
    for model in options.model or (POCKET, SHAPE):
        with tempfile.TemporaryDirectory() as scratch:
            results = Path(scratch) / "results" if options.dry else place.folder / "results" / model
            kept = Kept(results)
            for rival in RIVALS if options.again else ():
                if rival.name in only:
                    kept.forget(rival)
            runner = Runner(place, model, Path(scratch) / "work.jsonl", options.chats, options.limit)
            race(runner, only, options.rounds, kept)
            print(f"\n{page.TITLES[model]}\n\n{page.body(model, kept)}\n", flush=True)
            if not options.dry:
                page.write(model, kept)


def race(runner: Runner, only: list[str], rounds: int, kept: Kept) -> None:
    """Runs all that is not kept yet, those of several rounds in turn."""
    model = runner.model
    count = write_work(model, runner.place.model(model, "hf"), runner.chats, runner.work)
    for number in range(rounds):
        for rival in RIVALS:
            if rival.name not in only or number >= rival.rounds or kept.has(rival, number):
                continue
            began = time.monotonic()
            said = runner.run(rival, min(count, rival.most[model]))
            kept.add(rival, number, said)
            told = f"{said.rate:.2f} chats/s" if isinstance(said, Result) else said
            print(f"{model}: {rival.label}: {told}; {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
