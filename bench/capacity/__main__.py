"""How many workers a load needs, and what they cost.

python -m bench.capacity                # measures this machine, simulates, writes docs/capacity.md
python -m bench.capacity measure        # only measures, into bench/capacity/measured.json
python -m bench.capacity page           # only simulates, from what was measured before
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from bench.capacity import service
from bench.capacity.measure import measure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=("all", "measure", "page"), default="all")
    parser.add_argument("--engine", default="pocket", help="the engine to measure")
    parser.add_argument("--point-s", type=float, default=6.0, help="seconds for each point of the curve")
    parser.add_argument("--case-s", type=float, default=45.0, help="seconds for each case of the check")
    parser.add_argument("--note", default="", help="what else should be known of the measurement")
    given = parser.parse_args()
    if given.part in ("all", "measure"):
        service.save(replace(measure(given.engine, given.point_s, given.case_s), note=given.note))
    if given.part in ("all", "page"):
        from bench.capacity.page import write

        write(service.read())


if __name__ == "__main__":
    main()
