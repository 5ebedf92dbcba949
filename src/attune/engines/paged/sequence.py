"""One request on its way through the engine: what stands, what is cached, which slot is being written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from attune.engines.paged.blocks import BLOCK_TOKENS, ROOT, name_of
from attune.engines.paged.free import FreeWriter
from attune.engines.paged.model import Logits
from attune.engines.paged.pick import PickWriter
from attune.engines.paged.slots import Writer
from attune.request import Completion, literal

Known = tuple[str, list[int]]
"""Text and its tokens, for a slot that needs no model."""


class Sequence:
    """A prompt, the slots to write after it, its blocks, and the future it ends in."""

    def __init__(
        self,
        ids: list[int],
        slots: Iterable[Known | Writer],
        model: str = "",
        dropped: int = 0,
        began: float = 0.0,
        known: Callable[[str, str], None] | None = None,
    ) -> None:
        self.future: Future[Completion] = Future()
        self.number = 0
        """By arrival; the scheduler's."""
        self.passed = 0
        """How many steps in a row have gone by without it."""
        self.blocks: list[int] = []
        self.published = 0
        """How many of those, full ones, others can find."""
        self.cached = 0
        """How many of the tokens that stand are in the cache."""
        self.shared: int | None = None
        """How many of the prompt were there already when it first ran, put there by others."""
        self.scoring = False
        """The logits after what stands were read, and now the options of a pick are scored."""
        self.writer: Writer | None = None
        self._ids = list(ids)
        self._slots = list(slots)
        self._model = model
        self._dropped = dropped
        self._began = began
        self._known = known
        self.prompt_tokens = len(ids)
        self._at = 0
        self._texts: list[str] = []
        self._probabilities: dict[str, float] = {}
        self._logprobs: dict[str, tuple[float, ...]] = {}
        self._finish = "stop"
        self._first_slot_s = 0.0
        self._names: list[bytes] = []
        self._next_slot()

    @property
    def done(self) -> bool:
        """Nothing is left for the model to decide."""
        return self.writer is None

    @property
    def standing(self) -> int:
        """How many tokens stand: of the prompt and of the answer so far."""
        return len(self._ids) + (len(self.writer.ids) if self.writer else 0)

    @property
    def waiting(self) -> int:
        """How many of those are not in the cache yet."""
        return self.standing - self.cached

    @property
    def settled(self) -> int:
        """How many of the cached tokens will stand whatever the writer does."""
        return min(self.cached, len(self._ids))

    def tokens(self, start: int, end: int) -> list[int]:
        """Those of the standing tokens."""
        whole = len(self._ids)
        ids = self._ids[start:end]
        if end > whole and self.writer:
            ids += self.writer.ids[max(0, start - whole) : end - whole]
        return ids

    def name(self, blocks: int) -> bytes:
        """The name of what stands in the first `blocks` blocks, all full."""
        while len(self._names) < blocks:
            start = len(self._names) * BLOCK_TOKENS
            parent = self._names[-1] if self._names else ROOT
            self._names.append(name_of(parent, self.tokens(start, start + BLOCK_TOKENS)))
        return self._names[blocks - 1] if blocks else ROOT

    def whole(self) -> list[int]:
        """All tokens that stand."""
        return self._ids + (self.writer.ids if self.writer else [])

    def fed(self, count: int, logits: Logits) -> None:
        """`count` tokens were fed; `logits` has one row if they were the last that stood, else none."""
        self.cached += count
        if self.waiting == 0 and self.writer and not self.scoring:
            self.writer.read(logits[0])
            self.scoring = isinstance(self.writer, PickWriter)
            self._go_on()

    def scored(self, option: int, log_probabilities: Logits) -> None:
        """The fork of `option` was fed."""
        assert isinstance(self.writer, PickWriter)
        self.writer.score(option, log_probabilities)
        self._go_on()

    def completion(self) -> Completion:
        return Completion(
            text="".join(self._texts),
            model=self._model,
            finish=self._finish,
            probabilities=self._probabilities,
            logprobs=self._logprobs,
            prompt_tokens=self.prompt_tokens,
            output_tokens=len(self._ids) - self.prompt_tokens,
            cached_tokens=self.shared or 0,
            dropped_lines=self._dropped,
            first_slot_s=self._first_slot_s,
            total_s=time.perf_counter() - self._began,
        )

    def _next_slot(self) -> None:
        """Lets known text stand, up to the next slot that needs the model."""
        while self._at < len(self._slots):
            slot = self._slots[self._at]
            if isinstance(slot, tuple):
                self._texts.append(slot[0])
                self._ids += slot[1]
                self._at += 1
                continue
            slot.start()
            self.writer = slot
            if not slot.done:
                return
            self._settle(slot)
        self.writer = None

    def _go_on(self) -> None:
        if self.writer and self.writer.done:
            self._settle(self.writer)
            self._next_slot()

    def _settle(self, writer: Writer) -> None:
        """Makes `writer`'s text part of what stands. What of it was fed but cut is no longer in the cache."""
        kept = len(self._ids) + writer.settle()
        self.cached = min(self.cached, kept)
        del self._names[kept // BLOCK_TOKENS :]
        self.scoring = False
        self._ids += writer.ids
        self._texts.append(writer.text)
        self._finish = "limit" if writer.finish == "limit" else self._finish
        if writer.probability is not None:
            self._probabilities[writer.name] = writer.probability
            self._first_slot_s = self._first_slot_s or time.perf_counter() - self._began
            if self._known:
                self._known(writer.name, literal(writer.text))
        if isinstance(writer, FreeWriter) and writer.logprobs is not None:
            self._logprobs[writer.name] = tuple(writer.logprobs)
        self.writer = None
        self._at += 1
