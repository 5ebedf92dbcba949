"""A Gemma 3 of a Hugging Face folder in KerasHub on JAX, in bfloat16, as its compiled generate."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.race.work import Job


def width(jobs: Sequence[Job]) -> int:
    """The tokens of the longest question with the longest answer: all are padded to one shape."""
    asked = [question for job in jobs for _, question in job.questions]
    return max(len(question.ids) for question in asked) + max(question.free for question in asked)


class Gemma:
    """Answers `batch` prompts in one call, each call of the same shape, so that it is compiled once.

    `took` has the seconds and the answer of each prompt, up to the first of `ends`.
    """

    def __init__(self, folder: Path, batch: int, width: int, ends: Sequence[int] = ()) -> None:
        os.environ["KERAS_BACKEND"] = "jax"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        keras: Any = import_module("keras")
        models: Any = import_module("keras_hub").models
        self._numpy: Any = import_module("numpy")
        keras.config.set_dtype_policy("bfloat16")
        backbone = models.Gemma3Backbone.from_preset(str(folder), dtype="bfloat16")
        model = models.Gemma3CausalLM(backbone=backbone, preprocessor=None)
        model.compile(sampler="greedy")
        self.batch, self._width, self._ends = batch, width, tuple(ends)
        self.took: dict[tuple[int, ...], tuple[float, list[int]]] = {}
        # The compiled function that generate calls; generate itself fails on the images that a text lacks.
        self._generate: Any = model.make_generate_function()

    def answer(self, prompts: Sequence[list[int]]) -> Any:
        """Token ids, a row for each prompt and as wide as the shape. The last prompt fills what is free."""
        began = time.perf_counter()
        rows = [*prompts, *[prompts[-1]] * (self.batch - len(prompts))]
        ids = self._numpy.zeros((len(rows), self._width), "int32")
        mask = self._numpy.zeros((len(rows), self._width), "bool")
        for row, prompt in enumerate(rows):
            ids[row, : len(prompt)], mask[row, : len(prompt)] = prompt, True
        made = self._generate({"token_ids": ids, "padding_mask": mask}, stop_token_ids=self._ends or None)
        answers = self._numpy.asarray(made["token_ids"])[: len(prompts)]
        seconds = time.perf_counter() - began
        for prompt, answer in zip(prompts, answers.tolist(), strict=True):
            self.took[tuple(prompt)] = seconds, answer[len(prompt) :]
        return answers
