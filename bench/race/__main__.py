"""The engine beside others: one run, the same weights, the same questions, answers of the same length.

python -m bench.race setup                    # environments and models, once; half an hour
python -m bench.race                          # the whole race; writes docs/benchmarks.md and its picture
python -m bench.race --only ours,genai --model pocket
python -m bench.race --quick --dry            # few chats, one round, nothing written
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.race.chats import POCKET, SHAPE
from bench.race.race import RIVALS, race
from bench.race.setup import ROOT, Place, setup


def main() -> None:
    names = list(dict.fromkeys(rival.name for rival in RIVALS))
    parser = argparse.ArgumentParser(
        prog="python -m bench.race",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", choices=("race", "setup"), default="race")
    parser.add_argument("--only", default=",".join(names), help=f"some of {', '.join(names)}")
    parser.add_argument(
        "--model", choices=(POCKET, SHAPE), action="append", help="one model; both by default"
    )
    parser.add_argument("--chats", type=int, default=300, help="for the fast; the slow get fewer")
    parser.add_argument("--rounds", type=int, default=3, help="for the fast")
    parser.add_argument("--quick", action="store_true", help="a tenth of the chats, one round, no latency")
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "race", help="environments and models"
    )
    options = parser.parse_args()
    only = options.only.split(",")
    if unknown := sorted(set(only) - set(names)):
        parser.error(f"no rival is called {unknown[0]!r}; there are {', '.join(names)}")
    place = Place(options.folder)
    if options.what == "setup":
        setup(place, only)
        return
    chats = max(10, options.chats // 10) if options.quick else options.chats
    rounds = 1 if options.quick else options.rounds
    models = options.model or [POCKET, SHAPE]
    race(place, models, only, chats, rounds, latency=not options.quick, write=not options.dry)


if __name__ == "__main__":
    main()
