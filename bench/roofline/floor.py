"""The least that one chat takes: operations and bytes, and seconds at the machine's peaks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.race.work import Job
from bench.roofline.peaks import Peaks

IN_FLIGHT = 64
STEP_TOKENS = 1024
_CACHE_BYTES = 2
"""Of a number in the key-value cache, 16 bits; a weight has one byte."""


@dataclass(frozen=True, slots=True)
class Model:
    """The weights that a token is multiplied with in the layers, and those of the vocabulary's head, and what
    attention takes: operations for each token looked at, and bytes of the cache for each."""

    layers: int
    head: int
    attention: int
    cache: int

    @classmethod
    def of(cls, folder: Path) -> Model:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        width, count, size = config["hidden_size"], config["num_hidden_layers"], config["head_dim"]
        heads, pairs = config["num_attention_heads"], config["num_key_value_heads"]
        products = width * size * 2 * (heads + pairs) + 3 * width * config["intermediate_size"]
        return cls(
            layers=count * products,
            head=config["vocab_size"] * width,
            attention=count * 4 * heads * size,
            cache=count * 2 * pairs * size * _CACHE_BYTES,
        )


@dataclass(frozen=True, slots=True)
class Chat:
    """What the mean chat of a race has: tokens to be read, with all that is shared read once; tokens of its
    answers; questions; and how many tokens stand before the mean token, read or written."""

    read: float
    written: float
    questions: float
    before_read: float
    before_written: float

    @classmethod
    def mean(cls, jobs: Sequence[Job], written: float) -> Chat:
        shared = _shared([job.triage.ids for job in jobs])
        read = looked = questions = ends = 0.0
        for job in jobs:
            for begins, (_, question) in zip(_begins(job, shared), job.questions, strict=True):
                length = len(question.ids)
                read += length - begins
                looked += (length * (length + 1) - begins * (begins + 1)) / 2
                ends += length
                questions += 1
        count = len(jobs)
        middle = ends / questions + written * count / questions / 2
        return cls(read / count, written, questions / count, looked / read, middle)


def _begins(job: Job, shared: int) -> list[int]:
    """How many tokens of each question are known: what all chats share, and for a reply what triage read."""
    reply = [_shared([job.triage.ids, job.reply.ids])] if job.reply is not None else []
    return [shared, *reply]


def _shared(prompts: list[list[int]]) -> int:
    """How many first tokens all `prompts` have in common."""
    pairs = enumerate(zip(min(prompts), max(prompts), strict=False))
    return next(place for place, (first, last) in pairs if first != last)


@dataclass(frozen=True, slots=True)
class Phase:
    """Reading a chat's prompts, or writing its answers."""

    name: str
    tokens: float
    operations: float
    bytes: float

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.operations / self.bytes

    def seconds(self, peaks: Peaks, kind: str = "int8") -> float:
        """At the peak of its products or of reading memory, whichever takes longer."""
        return max(self.operations / peaks.operations[kind], self.bytes / peaks.bytes)


def prefill(model: Model, chat: Chat) -> Phase:
    """The products of all tokens in the layers, of the last of each prompt in the head, and attention; the
    weights are read once for STEP_TOKENS tokens, and the cache is written."""
    products = model.layers * chat.read + model.head * chat.questions
    operations = 2 * products + model.attention * chat.before_read * chat.read
    weights = (model.layers + model.head) * chat.read / STEP_TOKENS
    return Phase("prefill", chat.read, operations, weights + model.cache * chat.read)


def decode(model: Model, chat: Chat, in_flight: int = IN_FLIGHT) -> Phase:
    """The products of every token in layers and head, and attention; the weights are read once for as many
    tokens as chats are in flight, and the cache of all that stands before a token is read for it."""
    each = 2 * (model.layers + model.head) + model.attention * chat.before_written
    read = (model.layers + model.head) / in_flight + model.cache * chat.before_written
    return Phase("decode", chat.written, each * chat.written, read * chat.written)
