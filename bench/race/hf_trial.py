"""Which type and which cache Transformers is fastest with here, as the last line of output."""

from __future__ import annotations

import time
from itertools import product

from bench.race.hf import Transformers
from bench.race.work import Given, given


def main(asked: Given) -> None:
    took = {}
    batch = [job.triage for job in asked.warm]
    for way in map(" ".join, product(("bfloat16", "float32"), ("dynamic", "static"))):
        model = Transformers(asked.model, asked.ends, way)
        model(batch)
        began = time.perf_counter()
        model(batch)
        took[way] = time.perf_counter() - began
    print(min(took, key=lambda way: took[way]))


if __name__ == "__main__":
    main(given())
