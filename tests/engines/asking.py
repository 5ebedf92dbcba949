"""Requests the engine's tests ask, and ways to look at what was made of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.decode.draw import Row
from attune.engines.paged import PagedEngine
from attune.engines.paged.sequence import Sequence
from attune.models import POCKET
from attune.request import Choice, Fixed, Free, Number, Pick, Prompt, Request, Sampling, Slot

VOCABULARY: int = json.loads((POCKET / "config.json").read_text(encoding="utf-8"))["vocab_size"]
CHAT = (
    "Customer: I ordered two rugs, and one came with a hole in it.",
    "Agent: I am sorry, shall I send another one?",
    'Customer: Yes. "Soon", please, I have guests on Friday!',
)
SENTENCES = (
    "I ordered two rugs, and one came with a hole in it.",
    "Yes.",
    "I have guests on Friday!",
    "고객님, 안녕하세요.",
    "one came with a hole in it.",
    "one came with a hole in it. Yes. I have guests on Friday! I ordered two rugs, and that is all.",
)
SENTIMENT = Choice("sentiment", (" -1,", " 0,", " 1,"))
SKELETON: tuple[Slot, ...] = (
    Fixed('{"sentiment":'),
    SENTIMENT,
    Fixed(' "summary": "'),
    Free("summary", 80, 24),
    Fixed('", "score":'),
    Number("score", -20, 140, ","),
    Fixed(' "said": "'),
    Pick("said", ("a hole in it", "guests on Friday", "two rugs")),
    Fixed('"}'),
)


def ask(
    lines: tuple[str, ...] = CHAT,
    slots: tuple[Slot, ...] = SKELETON,
    sampling: Sampling | None = None,
    cue: str = "Triage this chat.",
) -> Request:
    return Request(Prompt("", lines, cue), slots, sampling or Sampling())


def free(tokens: int = 40, chars: int = 400) -> Request:
    """A reply: free text that is no JSON."""
    return ask(slots=(Free("reply", chars, tokens, json=False),), cue="Reply to the customer.")


def log_probabilities(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Log-softmax as a textbook has it, to hold the engine's against."""
    wide = logits.astype(np.float64)
    wide = wide - wide.max(-1, keepdims=True)
    result: npt.NDArray[np.float64] = wide - np.log(np.exp(wide).sum(-1, keepdims=True))
    return result


def pointing_at(token: int, vocabulary: int = VOCABULARY) -> Row:
    """Logits that leave no doubt."""
    logits = np.full(vocabulary, -10.0, dtype=np.float32)
    logits[token] = 10.0
    return logits


class Greedy:
    """A writer that takes the likeliest token `count` times, whatever it is, as Transformers would."""

    def __init__(self, count: int) -> None:
        self.name, self.text, self.finish = "greedy", "", "stop"
        self.probability: float | None = None
        self.ids: list[int] = []
        self.done = False
        self.most = count

    def start(self) -> None:
        pass

    def read(self, logits: Row) -> None:
        self.ids.append(int(logits.argmax()))
        self.done = len(self.ids) == self.most

    def settle(self) -> int:
        return len(self.ids)


class Broken(Greedy):
    """A writer that fails when it is shown logits."""

    def read(self, logits: Row) -> None:
        raise ValueError("no such thing")


def said(engine: PagedEngine, prompts: list[list[int]], at_once: bool = True) -> list[list[int]]:
    """The 64 greedy tokens after each prompt, asked all at once or one after the other."""
    writers = [Greedy(64) for _ in prompts]
    futures = []
    for ids, writer in zip(prompts, writers, strict=True):
        futures.append(engine.enqueue(Sequence(ids, [writer])))
        if not at_once:
            futures[-1].result()
    for future in futures:
        future.result()
    return [writer.ids for writer in writers]
