"""llama.cpp by llama-cpp-python's low-level API: many sequences in one batch, the shared beginning read once.

The high-level API runs one sequence at a time, so this is the loop of llama.cpp's own server in short: a step
takes one token of every sequence that decodes, and prompts for the room that is left.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from typing import Any

from bench.race.loops import in_flight
from bench.race.work import Given, Key, Question, Result, given, say

SEQUENCES = 32
BATCH = 1024
UBATCH = 512
CONTEXT = (SEQUENCES + 1) * 1280


@dataclass
class Slot:
    """One sequence: the question it is at, what is left of its prompt, its answer, and its grammar if any."""

    seq: int
    key: Key
    prompt: list[int]
    most: int
    past: int
    grammar: Any = None
    answer: list[int] = field(default_factory=list)


class LlamaCpp:
    """A sequence for each chat: the reply goes on in that of its triage, with which it shares the chat."""

    def __init__(self, context: Any, api: Any, vocabulary: Any, asked: Given) -> None:
        self._context, self._api, self._vocabulary, self._ends = context, api, vocabulary, asked.ends
        self._memory = api.llama_get_memory(context)
        self._size = api.llama_vocab_n_tokens(vocabulary)
        self._bound = "bound" in asked.way
        self._numpy: Any = import_module("numpy")
        self._batch = api.llama_batch_init(BATCH, 0, 1)
        self._free = list(range(SEQUENCES, 0, -1))
        self._slots: list[Slot] = []
        jobs = [*asked.warm, *asked.jobs]
        self._jobs = {job.number: job for job in jobs}
        self._held: dict[int, int] = {}
        self._shared = _shared([job.triage.ids for job in jobs])
        self._read_shared(jobs[0].triage.ids[: self._shared])

    def add(self, key: Key, question: Question) -> None:
        number, reply = key
        if reply:
            seq = self._held.pop(number)
            kept = min(_shared([self._jobs[number].triage.ids, question.ids]), len(question.ids) - 1)
            self._api.llama_memory_seq_rm(self._memory, seq, kept, -1)
        else:
            seq, kept = self._free.pop(), self._shared
            self._api.llama_memory_seq_cp(self._memory, 0, seq, -1, -1)
        bound = self._bound and question.gbnf
        most = question.bound if bound else question.free
        slot = Slot(seq, key, question.ids[kept:], most, kept)
        if bound:
            told = question.gbnf.encode()
            slot.grammar = self._api.llama_sampler_init_grammar(self._vocabulary, told, b"root")
        self._slots.append(slot)

    def _read_shared(self, ids: list[int]) -> None:
        self._batch.n_tokens = 0
        for position, token in enumerate(ids):
            self._add(token, position, 0, logits=position == len(ids) - 1)
        if ids:
            self._decode()

    def step(self) -> list[tuple[Key, list[int], int]]:
        """One batch: a token of every sequence that decodes, and prompts for the room that is left."""
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
        done = []
        for slot, row in shown:
            slot.answer.append(self._take(slot, row))
            if len(slot.answer) >= slot.most or self._ended(slot):
                self._end(slot)
                done.append((slot.key, slot.answer, len(slot.answer)))
        return done

    def _take(self, slot: Slot, row: int) -> int:
        """The likeliest token that fits. The grammar judges the likeliest of all first: mostly it does."""
        pointer = self._api.llama_get_logits_ith(self._context, row)
        logits = self._numpy.ctypeslib.as_array(pointer, shape=(self._size,))
        token = int(logits.argmax())
        if slot.grammar is None:
            return token
        if self._fitting(slot.grammar, [token], logits) is None:
            fitting = self._fitting(slot.grammar, range(self._size), logits)
            assert fitting is not None, "a grammar with no way on"
            token = fitting
        self._api.llama_sampler_accept(slot.grammar, token)
        return token

    def _fitting(self, grammar: Any, tokens: Sequence[int], logits: Any) -> int | None:
        """The likeliest of `tokens` that `grammar` lets through."""
        size = len(tokens)
        made = self._numpy.zeros(size, [("id", "i4"), ("logit", "f4"), ("p", "f4")])
        made["id"], made["logit"] = tokens, logits[tokens[0] : tokens[0] + size]
        data = ctypes.cast(made.ctypes.data, self._api.llama_token_data_p)
        array = self._api.llama_token_data_array(data=data, size=size, selected=-1, sorted=False)
        self._api.llama_sampler_apply(grammar, ctypes.byref(array))
        best = int(made["logit"].argmax())
        return int(made["id"][best]) if self._numpy.isfinite(made["logit"][best]) else None

    def _ended(self, slot: Slot) -> bool:
        number, reply = slot.key
        job = self._jobs[number]
        question = job.reply if reply else job.triage
        assert question is not None
        forced = question.forced and slot.grammar is None
        return not forced and slot.answer[-1] in self._ends

    def _end(self, slot: Slot) -> None:
        """Keeps the sequence for the reply, or frees it."""
        number, reply = slot.key
        self._slots.remove(slot)
        if slot.grammar is not None:
            self._api.llama_sampler_free(slot.grammar)
        if not reply and self._jobs[number].reply is not None:
            self._held[number] = slot.seq
            return
        self._api.llama_memory_seq_rm(self._memory, slot.seq, -1, -1)
        self._free.append(slot.seq)

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
    silent = api.llama_log_callback(lambda *_: None)
    api.llama_log_set(silent, ctypes.c_void_p(0))
    api.llama_backend_init()
    loading = api.llama_model_default_params()
    loading.use_extra_bufts = "no-amx" not in asked.way
    model = api.llama_model_load_from_file(os.fsencode(asked.model), loading)
    settings = api.llama_context_default_params()
    settings.n_ctx, settings.n_batch, settings.n_ubatch = CONTEXT, BATCH, UBATCH
    settings.n_seq_max = SEQUENCES + 1
    settings.n_threads = settings.n_threads_batch = len(os.sched_getaffinity(0))
    settings.kv_unified = False  # the beginning is copied, and no sequence looks through the others' cells
    settings.swa_full = True  # so that a sequence can be cut back to where triage and reply part
    context = api.llama_init_from_model(model, settings)
    peer = LlamaCpp(context, api, api.llama_model_get_vocab(model), asked)
    result = Result(
        version=version("llama-cpp-python"),
        setting=f"Q8_0, {SEQUENCES} sequences, batches of {BATCH}, shared beginning"
        + (", grammar" if "bound" in asked.way else "")
        + (", AMX off, since it crashes here" if "no-amx" in asked.way else ""),
    )
    in_flight(peer, asked, SEQUENCES, result)
    say(result)


if __name__ == "__main__":
    main(given())
