"""Lessons for causal models: Gemma and its like, in the tokens of the OpenVINO engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from attune.engines.paged.asked import sequence_for
from attune.engines.paged.folder import Folder
from attune.engines.paged.tokens import Tokens
from attune.prompt import closing
from attune.request import Choice, Fixed, Free, Request, Slot
from attune.tune.lesson import Lesson

CONTEXT_TOKENS = 2048
"""The engine's own default."""


class CausalTeacher:
    """One lesson for each answer: the whole of it, after a prompt of the engine's own making."""

    def __init__(self, tokens: Tokens, context_tokens: int) -> None:
        self._tokens = tokens
        self._context_tokens = min(CONTEXT_TOKENS, context_tokens)
        closed = closing(tokens.style)
        self._end = tokens.encode_prompt(closed)[-1] if closed else min(tokens.ends, default=None)

    @classmethod
    def of(cls, folder: Folder) -> CausalTeacher:
        """The teacher for the model whose configs `folder` describes."""
        tokens = Tokens(folder.tokenizer, folder.ends, folder.bos, folder.vocabulary)
        return cls(tokens, folder.context_tokens)

    def lessons(self, request: Request, said: Sequence[str], name: str) -> list[Lesson]:
        prompt = self._prompt(request)
        answer = list(self._answer(request.slots, said))
        ids, trained = zip(*answer, strict=True)
        return [Lesson(prompt, ids, trained, name)]

    def text(self, ids: Sequence[int]) -> str:
        return self._tokens.shown(ids)

    def _prompt(self, request: Request) -> tuple[int, ...]:
        # What grounds a text says nothing about its prompt, and costs a second for a large vocabulary.
        slots = tuple(
            replace(each, grounds=None) if isinstance(each, Free) else each for each in request.slots
        )
        sequence = sequence_for(replace(request, slots=slots), self._tokens, self._context_tokens, "")
        return tuple(sequence.tokens(0, sequence.prompt_tokens))

    def _answer(self, slots: Sequence[Slot], said: Sequence[str]) -> Iterator[tuple[int, bool]]:
        """Each token, and whether the model decides it."""
        writing = False
        for slot, text in zip(slots, said, strict=True):
            ids = self._tokens.encode(text)
            if isinstance(slot, Choice):
                yield from zip(ids, self._branching(slot, ids), strict=True)
            elif isinstance(slot, Fixed):
                # Known text is fed, but where it begins free text ends, and that the model decides.
                yield from ((token, writing and index == 0) for index, token in enumerate(ids))
            else:
                yield from ((token, True) for token in ids)
            writing = isinstance(slot, Free)
        if self._end is not None:
            yield self._end, True

    def _branching(self, slot: Choice, ids: Sequence[int]) -> Iterator[bool]:
        """Where options that begin alike go on differently: only there the engine asks the model."""
        options = [self._tokens.encode(option) for option in slot.options]
        for depth in range(len(ids)):
            begun = [each for each in options if each[:depth] == ids[:depth]]
            yield len({each[depth] for each in begun if len(each) > depth}) > 1
