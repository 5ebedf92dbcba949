"""The seed's pipeline on the same shape: RunInference with a KerasHub-on-JAX handler, and a batched one.

Runs in an environment of its own. Compiling generate is not counted, and neither is loading. The last line of
output is a `Took` as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, PredictionResult, RunInference

from bench.beam.ends import Ends, Took
from bench.race.gemma import Gemma, width
from bench.race.work import Given, Job, given

LOADED: list[Gemma] = []
"""The model of this process."""


class Handler(ModelHandler[Any, PredictionResult, Any]):
    """`batch` prompts in one call of generate; the seed's handler calls it for one after the other."""

    def __init__(self, folder: Path, batch: int, wide: int, ends: Sequence[int] = ()) -> None:
        super().__init__(min_batch_size=batch, max_batch_size=batch)
        self._folder, self._batch, self._wide, self._ends = folder, batch, wide, ends

    def load_model(self) -> Gemma:
        if not LOADED:
            print("the model is loaded", file=sys.stderr)
            LOADED.append(Gemma(self._folder, self._batch, self._wide, self._ends))
        return LOADED[0]

    def run_inference(self, batch: Sequence[Any], model: Gemma, inference_args: Any = None) -> Iterator[Any]:
        for start in range(0, len(batch), self._batch):
            some = list(batch[start : start + self._batch])
            for prompt, tokens in zip(some, model.answer(some), strict=True):
                yield PredictionResult(prompt, tokens)


def run(jobs: list[Job], handler: Handler) -> list[float]:
    """Triage for all, then a reply for the unhappy, in two stages as the seed's pipeline has them."""
    ends = Ends()
    with beam.Pipeline("FnApiRunner") as pipeline:
        keyed = pipeline | beam.Create(list(enumerate(jobs)))
        triage = keyed | "Ask" >> beam.Map(lambda pair: (pair[0], pair[1].triage.ids))
        done = triage | "Triage" >> RunInference(KeyedModelHandler(handler))
        happy = done | "Happy" >> beam.Filter(lambda pair: jobs[pair[0]].reply is None)
        unhappy = done | "Unhappy" >> beam.Filter(lambda pair: jobs[pair[0]].reply is not None)
        reply = unhappy | "Ask again" >> beam.Map(lambda pair: (pair[0], jobs[pair[0]].reply.ids))
        drafted = reply | "Reply" >> RunInference(KeyedModelHandler(handler))
        happy | "Table" >> beam.Map(ends.note)
        drafted | "Review" >> beam.Map(ends.note)
    return ends.seconds()


def main(asked: Given) -> None:
    handler = Handler(Path(asked.model), 16 if asked.way == "batched" else 1, width(asked.jobs), asked.ends)
    run(asked.jobs[:1], handler)
    began = time.perf_counter()
    each = run(asked.jobs, handler)
    print(json.dumps(asdict(Took(time.perf_counter() - began, each))), flush=True)


if __name__ == "__main__":
    # By its name: what stands in __main__ is pickled by value, and each pipeline would load its own model.
    import_module("bench.beam.seed").main(given())
