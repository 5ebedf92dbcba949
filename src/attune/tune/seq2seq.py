"""Lessons for encoder-decoders: T5 and its like, in the tokens of the CTranslate2 engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from attune.engines.seq2seq import CONTEXT_TOKENS
from attune.engines.seq2seq.ask import ask_of, labels, source
from attune.engines.seq2seq.tokens import Tokens
from attune.request import Choice, Fixed, Number, Request, Slot
from attune.tune.lesson import Lesson


class Seq2SeqTeacher:
    """A lesson for each field of an answer, since the engine asks for them one at a time."""

    def __init__(self, folder: Path) -> None:
        self._tokens = Tokens(folder)

    def lessons(self, request: Request, said: Sequence[str], name: str) -> list[Lesson]:
        return [
            self._lesson(request, slot, text, name)
            for slot, text in zip(request.slots, said, strict=True)
            if not isinstance(slot, Fixed)
        ]

    def text(self, ids: Sequence[int]) -> str:
        return "".join(self._tokens.pieces(list(ids))).replace("▁", " ").strip()

    def _lesson(self, request: Request, slot: Slot, text: str, name: str) -> Lesson:
        prompt, _ = source(request, slot, self._tokens, CONTEXT_TOKENS)
        answer = [*self._tokens.encode(_plain(request, slot, text)), self._tokens.end]
        return Lesson(tuple(prompt), tuple(answer), (True,) * len(answer), name)


def _plain(request: Request, slot: Slot, text: str) -> str:
    """What the model says where the product's answer has `text`."""
    if isinstance(slot, Choice):
        return labels(slot, ask_of(request, slot))[slot.options.index(text)]
    if isinstance(slot, Number):
        return text.removesuffix(slot.end)
    return str(json.loads(f'"{text}"')) if getattr(slot, "json", True) else text
