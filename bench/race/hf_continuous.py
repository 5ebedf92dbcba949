"""Transformers' continuous batching: a paged cache with attention by PyTorch's SDPA."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.race.hf import whole
from bench.race.loops import in_flight
from bench.race.work import Given, Key, Question, Result, given, say

IN_FLIGHT = 64
BATCHED_TOKENS = 1024
_LOOK_EVERY_S = 5.0
_PAGE = 256
_PAGES = 4 * IN_FLIGHT


class Continuous:
    def __init__(self, manager: Any, ends: list[int]) -> None:
        self._manager, self._ends = manager, ends

    def add(self, key: Key, question: Question) -> None:
        self._manager.add_request(
            question.ids,
            request_id=f"{key[0]} {int(key[1])}",
            max_new_tokens=question.free,
            eos_token_id=-1 if question.forced else self._ends,
        )

    def step(self) -> list[tuple[Key, list[int], int]]:
        made = self._manager.get_result(timeout=_LOOK_EVERY_S)
        if made is None and self._manager.is_running():
            return []
        if made is None or made.error:
            told = made.error if made else self._manager.background_thread_status.fatal_error
            raise SystemExit(f"continuous batching ended: {told}")
        number, reply = map(int, made.request_id.split())
        answer = whole(made.generated_tokens, self._ends)
        return [((number, bool(reply)), answer, len(made.generated_tokens))]


def main(asked: Given) -> None:
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    dtype = getattr(torch, asked.way.split()[0])
    model = transformers.AutoModelForCausalLM.from_pretrained(
        asked.model, dtype=dtype, attn_implementation="paged|sdpa"
    ).eval()
    config = transformers.ContinuousBatchingConfig(
        page_size=_PAGE, num_blocks=_PAGES, max_batch_tokens=BATCHED_TOKENS
    )
    generation = transformers.GenerationConfig(do_sample=False, eos_token_id=asked.ends, pad_token_id=0)
    setting = f"{asked.way.split()[0]}, paged SDPA, {BATCHED_TOKENS} tokens a step, pages of {_PAGE}"
    result = Result(version=version("transformers"), setting=setting)
    with model.continuous_batching_context_manager(
        generation_config=generation, continuous_batching_config=config
    ) as manager:
        in_flight(Continuous(manager, asked.ends), asked, IN_FLIGHT, result)
    say(result)


if __name__ == "__main__":
    main(given())
