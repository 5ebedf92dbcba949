"""KerasHub on JAX in bfloat16: "batched", or one chat by one.

Its generate is compiled once for each shape, which is not counted: the chats are those nearest to the median
length, all padded to one shape.
"""

from __future__ import annotations

import time
from importlib.metadata import version

from bench.race.gemma import Gemma, width
from bench.race.work import Given, Job, Progress, Result, given, say

BATCH = 16


def run(gemma: Gemma, jobs: list[Job], wide: int, result: Result, progress: Progress) -> None:
    """Answers the questions of `jobs`, those of like length together."""
    began = time.perf_counter()
    prompts = [job.triage for job in jobs] + [job.reply for job in jobs if job.reply is not None]
    prompts.sort(key=len)
    for start in range(0, len(prompts), gemma.batch):
        batch = prompts[start : start + gemma.batch]
        gemma.answer(batch)
        result.decoded += len(batch) * (wide - min(map(len, batch)))
        progress.step(gemma.batch)
    result.seconds = time.perf_counter() - began


def main(asked: Given) -> None:
    began = time.perf_counter()
    batch, wide = BATCH if asked.way == "batched" else 1, width(asked.jobs)
    gemma = Gemma(asked.model, batch, wide)
    run(gemma, asked.jobs[:1], wide, Result(), Progress(1))
    result = Result(
        load_s=time.perf_counter() - began,
        version=version("keras-hub"),
        setting=f"JAX {version('jax')}, bfloat16, batches of {batch}, compiled once, chats of median length",
    )
    run(gemma, asked.jobs, wide, result, Progress(sum(job.questions for job in asked.jobs)))
    say(result, asked)


if __name__ == "__main__":
    main(given())
