"""OpenVINO GenAI's continuous batching with prefix caching; "bound" is with its structured output."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.race.loops import in_flight
from bench.race.work import Given, Key, Question, Result, given, say

CACHE_GB = 2
BATCHED_TOKENS = 1024
SEQUENCES = 64


class GenAI:
    def __init__(self, pipe: Any, ends: list[int], bound: bool) -> None:
        self._pipe, self._ends, self._bound = pipe, ends, bound
        self._genai: Any = import_module("openvino_genai")
        self._tensor: Any = import_module("openvino").Tensor
        self._numpy: Any = import_module("numpy")
        self._open: dict[Key, tuple[Any, list[int]]] = {}

    def add(self, key: Key, question: Question) -> None:
        config = self._genai.GenerationConfig()
        config.do_sample = False
        config.max_new_tokens = question.free
        config.stop_token_ids = set(self._ends)
        if self._bound and question.regex:
            config.max_new_tokens = question.bound
            # Its grammars see the words of the vocabulary as they are written there, a space as that sign.
            expression = question.regex.replace(" ", "▁")
            config.structured_output_config = self._genai.StructuredOutputConfig(regex=expression)
        elif question.forced:
            config.ignore_eos, config.stop_token_ids = True, set()
        tensor = self._tensor(self._numpy.array([question.ids], self._numpy.int64))
        self._open[key] = self._pipe.add_request(2 * key[0] + key[1], tensor, config), []

    def step(self) -> list[tuple[Key, list[int], int]]:
        self._pipe.step()
        done = []
        for key, (handle, answer) in list(self._open.items()):
            if handle.can_read():
                for output in handle.read().values():
                    answer.extend(output.generated_ids)
            if handle.get_status() != self._genai.GenerationStatus.RUNNING:
                del self._open[key]
                done.append((key, answer, len(answer)))
        return done


def main(asked: Given) -> None:
    genai: Any = import_module("openvino_genai")
    config = genai.SchedulerConfig()
    config.cache_size = CACHE_GB
    config.enable_prefix_caching = True
    config.dynamic_split_fuse = True
    config.max_num_batched_tokens = BATCHED_TOKENS
    config.max_num_seqs = SEQUENCES
    pipe = genai.ContinuousBatchingPipeline(asked.model, config, "CPU")
    result = Result(
        version=version("openvino-genai"),
        setting=f"prefix caching, {BATCHED_TOKENS} tokens a step, {SEQUENCES} sequences, cache {CACHE_GB} GB"
        + (", structured output by expression" if asked.way == "bound" else ""),
    )
    in_flight(GenAI(pipe, asked.ends, asked.way == "bound"), asked, SEQUENCES, result)
    say(result)


if __name__ == "__main__":
    main(given())
