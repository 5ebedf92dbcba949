"""attune's side: python -m bench.tune.ours BASE EPOCHS, in its own process; BASE is pocket or a folder."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.tune.train import Answering, Epoch, Step, train
from bench.tune.work import Clock, Work, bakery, t5


class Watch:
    """Counts steps, and has nothing else done."""

    def __init__(self) -> None:
        self.clock = Clock()

    def step(self, done: Step) -> None:
        self.clock.step()

    def epoch(self, figures: Epoch, answer: Answering) -> Mapping[str, Any]:
        return {}


def main(work: Work) -> None:
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        told = train(work.base, work.lessons, (), work.settings, Path(folder), watch)
    watch.clock.report(work, told[-1].loss)


if __name__ == "__main__":
    base, epochs = sys.argv[1], int(sys.argv[2])
    main(bakery(epochs) if base == "pocket" else t5(Path(base), epochs))
