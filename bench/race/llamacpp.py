"""llama.cpp by llama-cpp-python's low-level API: many sequences in one batch, the shared beginning read once.

The high-level API runs one sequence at a time, so this is the loop of llama.cpp's own server in short: a step
takes one token of every sequence that decodes, and prompts for the room that is left.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections import deque
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.race.work import Given, Job, Progress, Result, given, say

SEQUENCES = 32
BATCH = 1024
UBATCH = 512
CONTEXT = (SEQUENCES + 1) * 1280


@dataclass
class Slot:
    """One sequence: the question it is at, what is left of its prompt, and its answer."""

    seq: int
    number: int
    reply: bool
    prompt: list[int]
    most: int
    past: int
    answer: list[int] = field(default_factory=list)


class Loop:
    def __init__(self, context: Any, api: Any, vocabulary: int, jobs: list[Job], result: Result) -> None:
        self._context, self._api, self._vocabulary = context, api, vocabulary
        self._memory = api.llama_get_memory(context)
        self._jobs, self._result = jobs, result
        self._numpy: Any = import_module("numpy")
        self._batch = api.llama_batch_init(BATCH, 0, 1)
        self._waiting = deque(range(len(jobs)))
        self._free = list(range(SEQUENCES, 0, -1))
        self._slots: list[Slot] = []
        self.answers: dict[int, list[int]] = {}

    def run(self) -> None:
        progress = Progress(len(self._jobs))
        began = time.perf_counter()
        shared = _shared([job.triage for job in self._jobs])
        self._api.llama_memory_clear(self._memory, True)
        self._read_shared(self._jobs[0].triage[:shared])
        while self._waiting or self._slots:
            while self._waiting and self._free:
                number, seq = self._waiting.popleft(), self._free.pop()
                job = self._jobs[number]
                self._api.llama_memory_seq_cp(self._memory, 0, seq, -1, -1)
                prompt = job.triage[shared:]
                self._slots.append(Slot(seq, number, False, prompt, job.triage_tokens, shared))
            progress.step(self._step())
        self._result.seconds = time.perf_counter() - began

    def _read_shared(self, ids: list[int]) -> None:
        self._batch.n_tokens = 0
        for position, token in enumerate(ids):
            self._add(token, position, 0, logits=position == len(ids) - 1)
        if ids:
            self._decode()

    def _step(self) -> int:
        """One batch; how many chats are through after it."""
        self._batch.n_tokens = 0
        shown: list[tuple[Slot, int]] = []
        for slot in sorted(self._slots, key=lambda each: len(each.prompt)):
            room = BATCH - self._batch.n_tokens
            ids = slot.prompt[:room] if slot.prompt else slot.answer[-1:] if room else []
            for index, token in enumerate(ids):
                last = index == len(ids) - 1 and len(ids) >= len(slot.prompt)
                if last:
                    shown.append((slot, self._batch.n_tokens))
                self._add(token, slot.past, slot.seq, last)
                slot.past += 1
            slot.prompt = slot.prompt[len(ids) :]
        self._decode()
        through = 0
        for slot, row in shown:
            pointer = self._api.llama_get_logits_ith(self._context, row)
            logits = self._numpy.ctypeslib.as_array(pointer, shape=(self._vocabulary,))
            slot.answer.append(int(logits.argmax()))
            self._result.decoded += 1
            if len(slot.answer) >= slot.most:
                through += self._end(slot)
        return through

    def _end(self, slot: Slot) -> int:
        """Goes on with the reply, which shares the chat with its triage, or frees the sequence."""
        job = self._jobs[slot.number]
        self._slots.remove(slot)
        if not slot.reply:
            self.answers[slot.number] = slot.answer
        if not slot.reply and job.reply is not None:
            kept = min(_shared([job.triage, job.reply]), len(job.reply) - 1)
            self._api.llama_memory_seq_rm(self._memory, slot.seq, kept, -1)
            self._slots.append(Slot(slot.seq, slot.number, True, job.reply[kept:], job.reply_tokens, kept))
            return 0
        self._api.llama_memory_seq_rm(self._memory, slot.seq, -1, -1)
        self._free.append(slot.seq)
        return 1

    def _add(self, token: int, position: int, seq: int, logits: bool) -> None:
        batch = self._batch
        row = batch.n_tokens
        batch.token[row], batch.pos[row] = token, position
        batch.n_seq_id[row], batch.seq_id[row][0] = 1, seq
        batch.logits[row] = logits
        batch.n_tokens = row + 1

    def _decode(self) -> None:
        status = self._api.llama_decode(self._context, self._batch)
        if status:
            raise SystemExit(f"llama_decode: {status}")


def _shared(prompts: list[list[int]]) -> int:
    """How many first tokens all `prompts` have in common, one less than the shortest at most."""
    shortest, longest = min(prompts), max(prompts)
    most = min(len(prompt) for prompt in prompts) - 1
    return next((n for n in range(most) if shortest[n] != longest[n]), most)


def main(asked: Given) -> None:
    api: Any = import_module("llama_cpp")
    began = time.perf_counter()
    silent = api.llama_log_callback(lambda *_: None)
    api.llama_log_set(silent, ctypes.c_void_p(0))
    api.llama_backend_init()
    loading = api.llama_model_default_params()
    loading.use_extra_bufts = asked.way != "no-amx"
    model = api.llama_model_load_from_file(os.fsencode(asked.model), loading)
    settings = api.llama_context_default_params()
    settings.n_ctx, settings.n_batch, settings.n_ubatch = CONTEXT, BATCH, UBATCH
    settings.n_seq_max = SEQUENCES + 1
    settings.n_threads = settings.n_threads_batch = os.cpu_count() or 1
    settings.kv_unified = False  # the beginning is copied, and no sequence looks through the others' cells
    settings.swa_full = True  # so that a sequence can be cut back to where triage and reply part
    context = api.llama_init_from_model(model, settings)
    vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
    result = Result(
        load_s=time.perf_counter() - began,
        version=version("llama-cpp-python"),
        setting=f"Q8_0, {SEQUENCES} sequences, batches of {BATCH}, shared beginning"
        + (", AMX off, since it crashes here" if asked.way == "no-amx" else ""),
    )
    Loop(context, api, vocabulary, asked.warm, Result()).run()
    loop = Loop(context, api, vocabulary, asked.jobs, result)
    loop.run()
    say(result, asked, [loop.answers[number] for number in range(len(asked.jobs))])


if __name__ == "__main__":
    main(given())
