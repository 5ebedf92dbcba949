"""Transformers' generate in bfloat16, in batches of chats of like length."""

from __future__ import annotations

import os
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.race.work import Given, Job, Progress, Result, given, say

BATCH = 16


class Batches:
    """Triage for all, then reply, each sorted by length."""

    def __init__(self, model: Any, result: Result) -> None:
        self._model, self._result = model, result
        self._torch: Any = import_module("torch")

    def run(self, jobs: list[Job]) -> list[list[int]]:
        progress = Progress(len(jobs))
        began = time.perf_counter()
        triage = self._ask([(job.triage, job.triage_tokens) for job in jobs], progress)
        self._ask([(job.reply, job.reply_tokens) for job in jobs if job.reply is not None])
        self._result.seconds = time.perf_counter() - began
        return triage

    def _ask(self, asked: list[tuple[list[int], int]], progress: Progress | None = None) -> list[list[int]]:
        order = sorted(range(len(asked)), key=lambda index: len(asked[index][0]))
        answers: list[list[int]] = [[] for _ in asked]
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            made = self._generate([asked[index] for index in batch])
            for index, answer in zip(batch, made, strict=True):
                answers[index] = answer[: asked[index][1]]
            if progress:
                progress.step(len(batch))
        return answers

    def _generate(self, batch: list[tuple[list[int], int]]) -> list[list[int]]:
        torch = self._torch
        width, most = max(len(ids) for ids, _ in batch), max(count for _, count in batch)
        ids = torch.tensor([[0] * (width - len(ids)) + ids for ids, _ in batch])
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids, _ in batch])
        with torch.inference_mode():
            made = self._model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=most, min_new_tokens=most, do_sample=False
            )
        self._result.decoded += most * len(batch)
        rows: list[list[int]] = made[:, width:].tolist()
        return rows


def main(asked: Given) -> None:
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    began = time.perf_counter()
    torch.set_num_threads(os.cpu_count() or 1)
    dtype = torch.float32 if asked.way == "exact" else torch.bfloat16
    model = transformers.AutoModelForCausalLM.from_pretrained(asked.model, dtype=dtype).eval()
    result = Result(
        load_s=time.perf_counter() - began,
        version=version("transformers"),
        setting=f"{str(dtype).removeprefix('torch.')}, batches of {BATCH} sorted by length",
    )
    Batches(model, Result()).run(asked.warm)
    say(result, asked, Batches(model, result).run(asked.jobs))


if __name__ == "__main__":
    main(given())
