"""The seed's shape: a Beam pipeline on the direct runner whose RunInference has a KerasHub-on-JAX handler.

As in `bench.beam.seed`; "batched", or one prompt by one. All prompts are padded to the longest, as there.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.race.gemma import width
from bench.race.hf import whole
from bench.race.work import Given, Job, Result, given, say

BATCH = 16


def main(asked: Given) -> None:
    # By its name: what stands in __main__ is pickled by value, and each pipeline would load its own model.
    seed: Any = import_module("bench.beam.seed")
    size = BATCH if asked.way == "batched" else 1
    forced = asked.jobs[0].triage.forced
    handler = seed.Handler(
        Path(asked.model), size, width([*asked.warm, *asked.jobs]), () if forced else asked.ends
    )
    began = time.perf_counter()
    seed.run(asked.warm[:1], handler)
    result = Result(
        in_flight=size,
        first_s=time.perf_counter() - began,
        first_at=time.time(),
        version=f"{version('apache-beam')} with KerasHub {version('keras-hub')}",
        setting=f"JAX {version('jax')}, bfloat16, batches of {size}, compiled once for one length",
    )
    began = time.perf_counter()
    seed.run(asked.jobs, handler)
    result.seconds = time.perf_counter() - began
    for job in asked.jobs:
        _note(job, seed.LOADED[0].took, asked.ends, result)
    print(f"progress {len(asked.jobs)} {len(asked.jobs)}", file=sys.stderr)
    say(result)


def _note(
    job: Job, took: dict[tuple[int, ...], tuple[float, list[int]]], ends: list[int], to: Result
) -> None:
    """A chat's time is that of the calls of generate that it was in."""
    seconds = 0.0
    for key, question in job.questions:
        spent, answer = took[tuple(question.ids)]
        answer = whole(answer[: question.free], [] if question.forced else ends)
        seconds += spent
        to.tokens += len(answer)
        to.answers.append((*key, answer))
    to.each_s.append(seconds)


if __name__ == "__main__":
    main(given())
