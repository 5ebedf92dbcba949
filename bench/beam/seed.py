"""The seed's pipeline on the same shape: RunInference with a KerasHub-on-JAX handler, and a batched one.

Runs in an environment of its own. Compiling generate is not counted, and neither is loading.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, PredictionResult, RunInference

from bench.engine.work import Given, Result, given, say

_LOADED: list[Any] = []


class Gemma(ModelHandler[Any, PredictionResult, Any]):
    """`batch` prompts in one call of generate; the seed's handler calls it for one after the other."""

    def __init__(self, config: dict[str, Any], batch: int, width: int) -> None:
        super().__init__(min_batch_size=batch, max_batch_size=batch)
        self._config, self._batch, self._width = config, batch, width

    def load_model(self) -> Any:
        if not _LOADED:
            print("the model is loaded", file=sys.stderr)
            _LOADED.append(_model(self._config).make_generate_function())
        return _LOADED[0]

    def run_inference(self, batch: Sequence[Any], model: Any, inference_args: Any = None) -> Iterator[Any]:
        for start in range(0, len(batch), self._batch):
            some = list(batch[start : start + self._batch])
            made = self._generate(some, model)
            for prompt, tokens in zip(some, made, strict=False):
                yield PredictionResult(prompt, tokens)

    def _generate(self, prompts: list[list[int]], model: Any) -> Any:
        numpy: Any = import_module("numpy")
        rows = prompts + [prompts[-1]] * (self._batch - len(prompts))
        ids = numpy.zeros((len(rows), self._width), "int32")
        mask = numpy.zeros((len(rows), self._width), "bool")
        for row, prompt in enumerate(rows):
            ids[row, : len(prompt)], mask[row, : len(prompt)] = prompt, True
        made = model({"token_ids": ids, "padding_mask": mask}, stop_token_ids=None)
        return numpy.asarray(made["token_ids"])


def _model(config: dict[str, Any]) -> Any:
    keras: Any = import_module("keras")
    models: Any = import_module("keras_hub").models
    keras.config.set_dtype_policy("bfloat16")
    backbone = models.Gemma3Backbone(
        vocabulary_size=config["vocab_size"],
        image_size=None,
        num_layers=config["num_hidden_layers"],
        num_query_heads=config["num_attention_heads"],
        num_key_value_heads=config["num_key_value_heads"],
        hidden_dim=config["hidden_size"],
        intermediate_dim=config["intermediate_size"],
        head_dim=config["head_dim"],
        use_query_key_norm=True,
        use_sliding_window_attention=True,
        sliding_window_size=config["sliding_window"],
        vision_encoder=None,
        dtype="bfloat16",
    )
    model = models.Gemma3CausalLM(backbone=backbone, preprocessor=None)
    model.compile(sampler="greedy")
    return model


def _run(jobs: list[Any], handler: Gemma) -> None:
    """Triage for all, then a reply for the unhappy, in two stages as the seed's pipeline has them."""
    with beam.Pipeline("FnApiRunner") as pipeline:
        keyed = pipeline | beam.Create(list(enumerate(jobs)))
        triage = keyed | "Ask" >> beam.Map(lambda pair: (pair[0], pair[1].triage))
        done = triage | "Triage" >> RunInference(KeyedModelHandler(handler))
        unhappy = done | beam.Filter(lambda pair: jobs[pair[0]].reply is not None)
        reply = unhappy | "Ask again" >> beam.Map(lambda pair: (pair[0], jobs[pair[0]].reply))
        reply | "Reply" >> RunInference(KeyedModelHandler(handler))


def main(asked: Given) -> None:
    os.environ["KERAS_BACKEND"] = "jax"
    config = json.loads((asked.model / "config.json").read_text(encoding="utf-8"))
    batch = 16 if asked.way == "batched" else 1
    longest = max(max(len(job.triage), len(job.reply or [])) for job in asked.jobs)
    width = longest + max(max(job.triage_tokens, job.reply_tokens) for job in asked.jobs)
    handler = Gemma(config, batch, width)
    _run(asked.jobs[:1], handler)
    began = time.perf_counter()
    _run(asked.jobs, handler)
    say(Result(seconds=time.perf_counter() - began), asked)


if __name__ == "__main__":
    # By its name: what stands in __main__ is pickled by value, and each pipeline would load its own model.
    import_module("bench.beam.seed").main(given())
