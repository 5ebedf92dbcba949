"""A Gemma 3 of a Hugging Face folder in KerasHub on JAX, in bfloat16, as its compiled generate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.race.work import Job


def width(jobs: Sequence[Job]) -> int:
    """The tokens of the longest question with the longest answer: all are padded to one shape."""
    longest = max(max(len(job.triage), len(job.reply or [])) for job in jobs)
    return longest + max(max(job.triage_tokens, job.reply_tokens) for job in jobs)


class Gemma:
    """Answers `batch` prompts in one call, each call of the same shape, so that it is compiled once."""

    def __init__(self, folder: Path, batch: int, width: int) -> None:
        os.environ["KERAS_BACKEND"] = "jax"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        keras: Any = import_module("keras")
        models: Any = import_module("keras_hub").models
        self._numpy: Any = import_module("numpy")
        keras.config.set_dtype_policy("bfloat16")
        backbone = models.Gemma3Backbone.from_preset(str(folder), dtype="bfloat16")
        model = models.Gemma3CausalLM(backbone=backbone, preprocessor=None)
        model.compile(sampler="greedy")
        self.batch, self._width = batch, width
        # The compiled function that generate calls; generate itself fails on the images that a text lacks.
        self._generate: Any = model.make_generate_function()

    def answer(self, prompts: Sequence[list[int]]) -> Any:
        """Token ids, a row for each prompt and as wide as the shape. The last prompt fills what is free."""
        rows = [*prompts, *[prompts[-1]] * (self.batch - len(prompts))]
        ids = self._numpy.zeros((len(rows), self._width), "int32")
        mask = self._numpy.zeros((len(rows), self._width), "bool")
        for row, prompt in enumerate(rows):
            ids[row, : len(prompt)], mask[row, : len(prompt)] = prompt, True
        made = self._generate({"token_ids": ids, "padding_mask": mask}, stop_token_ids=None)
        return self._numpy.asarray(made["token_ids"])[: len(prompts)]
