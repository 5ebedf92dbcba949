"""Ray Data: map_batches with a class that answers a batch of chats by Transformers' generate."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.race.hf import BATCH, Transformers
from bench.race.work import Given, Job, Result, given, say

_STORE_BYTES = 256 * 2**20


class Answers:
    """The worker's: loads the model once. Its jobs are the parent's, by their numbers."""

    def __init__(self, asked: Given) -> None:
        began = time.perf_counter()
        self._jobs = {job.number: job for job in asked.jobs}
        self._model = Transformers(asked.model, asked.ends, asked.way)
        began = time.perf_counter()
        self._chats(asked.warm[:1])
        self._first = time.perf_counter() - began, time.time()
        self._chats(asked.warm)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        began = time.time()
        made = self._chats([self._jobs[int(number)] for number in batch["number"]])
        size, ended = len(made), time.time()
        first_s, first_at = self._first
        return {
            "number": list(batch["number"]),
            "answers": made,
            "began": [began] * size,
            "ended": [ended] * size,
            "first_s": [first_s] * size,
            "first_at": [first_at] * size,
        }

    def _chats(self, jobs: list[Job]) -> list[list[list[int]]]:
        """For each chat its answers."""
        made = [[answer] for answer in self._model([job.triage for job in jobs])]
        asked = [(place, job.reply) for place, job in enumerate(jobs) if job.reply is not None]
        if asked:
            replies = self._model([reply for _, reply in asked])
            for (place, _), answer in zip(asked, replies, strict=True):
                made[place].append(answer)
        return made


def main(asked: Given) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray: Any = import_module("ray")
    data: Any = import_module("ray.data")
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        ray.init(
            num_cpus=cores,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder,
        )
        data.DataContext.get_current().enable_progress_bars = False
        jobs = sorted(asked.jobs, key=lambda job: len(job.triage.ids))
        numbers = data.from_items([{"number": job.number} for job in jobs], override_num_blocks=1)
        # The class by its module's name: what stands in __main__ is pickled by value.
        answers = import_module("bench.race.ray_data").Answers
        made = numbers.map_batches(
            answers,
            fn_constructor_args=(asked,),
            batch_size=BATCH,
            concurrency=1,
            num_cpus=cores,
        )
        rows = made.take_all()
        ray.shutdown()
    print(f"progress {len(rows)} {len(rows)}", file=sys.stderr)
    say(_result(jobs, rows, asked.way))


def _result(jobs: list[Job], rows: list[dict[str, Any]], way: str) -> Result:
    result = Result(
        seconds=max(row["ended"] for row in rows) - min(row["began"] for row in rows),
        each_s=[row["ended"] - row["began"] for row in rows],
        in_flight=BATCH,
        first_at=rows[0]["first_at"],
        first_s=rows[0]["first_s"],
        version=version("ray"),
        setting=f"map_batches, one actor, batches of {BATCH} sorted by length, "
        f"Transformers {version('transformers')}, {' '.join(way.split())} cache",
    )
    by_number = {int(row["number"]): row for row in rows}
    for job in jobs:
        row = by_number[job.number]
        for (key, _), answer in zip(job.questions, row["answers"], strict=True):
            result.answers.append((*key, [int(token) for token in answer]))
            result.tokens += len(answer)
    return result


if __name__ == "__main__":
    main(given())
