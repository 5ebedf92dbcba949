"""Transformers' generate, in batches of chats of like length."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.race.loops import in_batches
from bench.race.work import Given, Question, Result, given, say

BATCH = 16


class Transformers:
    """A model in a type and with a cache, "bfloat16 dynamic" for one: answers a batch in one generate."""

    def __init__(self, folder: str, ends: list[int], way: str) -> None:
        self._torch: Any = import_module("torch")
        transformers: Any = import_module("transformers")
        self._torch.set_num_threads(len(os.sched_getaffinity(0)))
        dtype, self._cache = way.split()
        self._ends = ends
        loaded = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(self._torch, dtype))
        self._model = loaded.eval()

    def __call__(self, asked: list[Question]) -> list[list[int]]:
        """Padded on the left. An answer is cut behind its end, unless it is forced to go on."""
        torch = self._torch
        width, most = max(len(each.ids) for each in asked), max(each.free for each in asked)
        ids = torch.tensor([[0] * (width - len(each.ids)) + each.ids for each in asked])
        mask = torch.tensor([[0] * (width - len(each.ids)) + [1] * len(each.ids) for each in asked])
        forced = asked[0].forced
        with torch.inference_mode():
            made = self._model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=most,
                min_new_tokens=forced or None,
                do_sample=False,
                eos_token_id=self._ends,
                pad_token_id=0,
                cache_implementation=self._cache,
            )
        return [
            whole(row[: each.free], [] if forced else self._ends)
            for row, each in zip(made[:, width:].tolist(), asked, strict=True)
        ]


def whole(answer: list[int], ends: list[int]) -> list[int]:
    """The tokens of `answer` up to its end."""
    end = next((place for place, token in enumerate(answer) if token in ends), len(answer))
    return answer[: end + 1]


def main(asked: Given) -> None:
    model = Transformers(asked.model, asked.ends, asked.way)
    dtype, cache = asked.way.split()
    setting = f"{dtype}, {cache} cache (the fastest of four in a trial), batches of {BATCH} sorted by length"
    result = Result(version=version("transformers"), setting=setting)
    in_batches(model, asked, BATCH, result)
    say(result)


if __name__ == "__main__":
    main(given())
