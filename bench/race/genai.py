"""OpenVINO GenAI's continuous batching with prefix caching, plain prompts and whole answers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.race.work import Given, Job, Progress, Result, given, say

CACHE_GB = 2
BATCHED_TOKENS = 1024
SEQUENCES = 64


@dataclass
class Loop:
    """Adds each chat's triage when it arrives, and its reply when the triage is answered."""

    pipe: Any
    jobs: list[Job]
    arrivals: list[float]
    result: Result
    answers: dict[tuple[int, bool], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._genai: Any = import_module("openvino_genai")
        self._tensor: Any = import_module("openvino").Tensor
        self._numpy: Any = import_module("numpy")
        self._open: dict[tuple[int, bool], Any] = {}

    def run(self) -> None:
        progress = Progress(len(self.jobs))
        self.result.sentiment_s = [0.0] * len(self.jobs)
        self.result.answer_s = [0.0] * len(self.jobs)
        began = time.perf_counter()
        coming = 0
        while coming < len(self.jobs) or self._open:
            now = time.perf_counter() - began
            while coming < len(self.jobs) and self.arrivals[coming] <= now:
                self._ask(coming, reply=False)
                coming += 1
            if not self._open:
                time.sleep(max(0.0, self.arrivals[coming] - now))
                continue
            self.pipe.step()
            now = time.perf_counter() - began
            for number in self._read(now):
                progress.step(number >= 0)
        self.result.seconds = time.perf_counter() - began

    def _ask(self, number: int, reply: bool) -> None:
        job = self.jobs[number]
        ids, count = (job.reply, job.reply_tokens) if reply else (job.triage, job.triage_tokens)
        config = self._genai.GenerationConfig()
        config.max_new_tokens = count
        config.ignore_eos = True
        config.do_sample = False
        tensor = self._tensor(self._numpy.array([ids], self._numpy.int64))
        self._open[number, reply] = self.pipe.add_request(2 * number + reply, tensor, config)
        self.answers[number, reply] = []

    def _read(self, now: float) -> list[int]:
        """Takes the tokens that this step made; the numbers of the chats that are through."""
        through = []
        for key, handle in list(self._open.items()):
            if not handle.can_read():
                continue
            answer = self.answers[key]
            for output in handle.read().values():
                answer += output.generated_ids
            number, reply = key
            job = self.jobs[number]
            since = now - self.arrivals[number]
            if (
                not reply
                and not self.result.sentiment_s[number]
                and len(answer) >= min(job.known_at, job.triage_tokens)
            ):
                self.result.sentiment_s[number] = since
            if len(answer) >= (job.reply_tokens if reply else job.triage_tokens):
                del self._open[key]
                self.result.decoded += len(answer)
                self.result.answer_s[number] = since
                if not reply and job.reply is not None:
                    self._ask(number, reply=True)
                else:
                    through.append(number)
        return through


def main(asked: Given) -> None:
    genai: Any = import_module("openvino_genai")
    began = time.perf_counter()
    config = genai.SchedulerConfig()
    config.cache_size = CACHE_GB
    config.enable_prefix_caching = True
    config.dynamic_split_fuse = True
    config.max_num_batched_tokens = BATCHED_TOKENS
    config.max_num_seqs = SEQUENCES
    pipe = genai.ContinuousBatchingPipeline(str(asked.model), config, "CPU")
    result = Result(
        load_s=time.perf_counter() - began,
        version=version("openvino-genai"),
        setting=f"prefix caching, {BATCHED_TOKENS} tokens a step, {SEQUENCES} sequences, cache {CACHE_GB} GB",
    )
    Loop(pipe, asked.warm, [0.0] * len(asked.warm), Result()).run()
    loop = Loop(pipe, asked.jobs, asked.arrivals, result)
    loop.run()
    say(result, asked, [loop.answers[number, False] for number in range(len(asked.jobs))])


if __name__ == "__main__":
    main(given())
