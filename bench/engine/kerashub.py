"""KerasHub on JAX in bfloat16: "batched", or one chat by one.

Its generate is compiled once for each shape, which is not counted: the chats are those nearest to the median
length, all padded to one shape. Weights are random for both models, since only the time is compared.
"""

from __future__ import annotations

import json
import os
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.engine.work import Given, Job, Progress, Result, given, say

BATCH = 16


class Generator:
    def __init__(self, model: Any, result: Result, batch: int, width: int) -> None:
        self._result, self._batch, self._width = result, batch, width
        self._numpy: Any = import_module("numpy")
        # The compiled function that generate calls; generate itself fails on the images that a text lacks.
        self._generate_shape: Any = model.make_generate_function()

    def run(self, jobs: list[Job], progress: Progress) -> None:
        began = time.perf_counter()
        asked = [(job.triage, job.triage_tokens) for job in jobs]
        asked += [(job.reply, job.reply_tokens) for job in jobs if job.reply is not None]
        asked.sort(key=lambda each: len(each[0]))
        for start in range(0, len(asked), self._batch):
            self._generate(asked[start : start + self._batch])
            progress.step(self._batch)
        self._result.seconds = time.perf_counter() - began

    def _generate(self, batch: list[tuple[list[int], int]]) -> None:
        """A last batch that is not full is filled with its last chat, so that the shape stays."""
        rows = batch + [batch[-1]] * (self._batch - len(batch))
        numpy = self._numpy
        ids = numpy.zeros((len(rows), self._width), "int32")
        mask = numpy.zeros((len(rows), self._width), "bool")
        for row, (prompt, _) in enumerate(rows):
            ids[row, : len(prompt)] = prompt
            mask[row, : len(prompt)] = True
        made = self._generate_shape({"token_ids": ids, "padding_mask": mask}, stop_token_ids=None)
        numpy.asarray(made["token_ids"])
        self._result.decoded += len(batch) * (self._width - min(len(prompt) for prompt, _ in rows))


def main(asked: Given) -> None:
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras: Any = import_module("keras")
    models: Any = import_module("keras_hub").models
    began = time.perf_counter()
    config = json.loads((asked.model / "config.json").read_text(encoding="utf-8"))
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
    batch = BATCH if asked.way == "batched" else 1
    jobs = asked.jobs
    longest = max(max(len(job.triage), len(job.reply or [])) for job in jobs)
    width = longest + max(max(job.triage_tokens, job.reply_tokens) for job in jobs)
    Generator(model, Result(), batch, width).run(jobs[:1], Progress(1))
    result = Result(
        load_s=time.perf_counter() - began,
        version=version("keras-hub"),
        setting=f"JAX {version('jax')}, bfloat16, batches of {batch}, compiled once, chats of median length",
    )
    Generator(model, result, batch, width).run(jobs, Progress(sum(job.questions for job in jobs)))
    say(result, asked)


if __name__ == "__main__":
    main(given())
