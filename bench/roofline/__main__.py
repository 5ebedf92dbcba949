"""Measures this machine's peaks and where attune's time goes, and writes docs/roofline.md beside the race.

python -m bench.roofline            # after the race; some two minutes
python -m bench.roofline --chats 8 --dry
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.race.chats import POCKET, SHAPE, write_work
from bench.race.kept import Kept, middle
from bench.race.rivals import CHATS, RIVALS
from bench.race.setup import ROOT, Place
from bench.race.work import WARM, read, spread
from bench.roofline import page
from bench.roofline.floor import Chat, Model
from bench.roofline.peaks import measure as measure_peaks
from bench.roofline.profile import measure as measure_profile


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.roofline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--chats", type=int, default=150, help="chats of a profile; a third for the large model"
    )
    parser.add_argument("--dry", action="store_true", help="print, but write nothing")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "race", help="where the race keeps all"
    )
    options = parser.parse_args()
    place = Place(options.folder)
    peaks = measure_peaks()
    counts = {POCKET: options.chats, SHAPE: max(1, options.chats // 3)}
    parts = {name: _part(place, name, count) for name, count in counts.items()}
    print(page.body(peaks, parts))
    if not options.dry:
        page.write(peaks, parts)


def _part(place: Place, name: str, chats: int) -> page.Part:
    folder, kept = place.model(name, "openvino"), Kept(place.folder / "results" / name)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch) / "work.jsonl"
        write_work(name, place.model(name, "hf"), CHATS, work)
        jobs = read(work)[0]
    chat = Chat.mean(jobs[WARM:], _written(kept))
    profile = measure_profile(name, folder, spread(jobs[WARM:], chats))
    return page.Part(Model.of(folder), chat, profile, kept)


def _written(kept: Kept) -> float:
    """The tokens of the answers about one chat, as the first runner of the race counted them."""
    results = next((results for rival in RIVALS if (results := kept.results(rival))), None)
    if not results:
        raise SystemExit("The race has no result yet, and its answers' lengths are needed: make race")
    return middle(results).tokens / len(middle(results).each_s)


if __name__ == "__main__":
    main()
