"""From a request to its answer: one slot after the other, each written after what stands before it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from attune.decode.bound import json_text
from attune.decode.draw import Draw
from attune.decode.shorten import settled, standing
from attune.engines.paged.asked import prompt_for
from attune.engines.paged.free import unescaped
from attune.engines.paged.slots import ChoiceWriter
from attune.engines.paged.tokens import Tokens
from attune.engines.vllm.model import Model, Written
from attune.errors import BadRequest
from attune.request import Choice, Completion, Fixed, Free, Number, Pick, Request, Sampling, literal

_SLACK = 8
"""Tokens the last words of a free text may need more, when they are encoded again after a cut."""
_MOST_TOLD = 128
"""vLLM tells the log-probabilities of so many tokens at once."""
_SEEDS = 2**63
_STRING = re.compile(r'((?:[^"\\]|\\.)*)("?)', re.DOTALL)


class Answer:
    """An answer in the making; prompt and slots are tokenised in the caller's thread.

    Raises BadRequest for a request that cannot be answered.
    """

    def __init__(self, request: Request, tokens: Tokens, context_tokens: int, model: str, turn: int) -> None:
        self._began = time.perf_counter()
        self._request = request
        self._tokens = tokens
        self._model = model
        self._turn = turn
        draw = Draw(request.sampling)
        self._slots = [
            ChoiceWriter(slot, tokens, draw) if isinstance(slot, Choice) else slot for slot in request.slots
        ]
        most = sum(map(self._most_tokens, self._slots))
        self._ids, self._dropped = prompt_for(request, tokens, context_tokens, most)
        self._prompt_tokens = len(self._ids)
        self._cached: int | None = None
        self._texts: list[str] = []
        self._finish = "stop"
        self._probabilities: dict[str, float] = {}
        self._logprobs: dict[str, tuple[float, ...]] = {}
        self._first_slot_s = 0.0

    async def completion(self, model: Model) -> Completion:
        for slot in self._slots:
            match slot:
                case Fixed():
                    self._add(slot.text)
                case ChoiceWriter():
                    await self._choose(slot, model)
                case Number():
                    await self._count(slot, model)
                case Pick():
                    await self._pick(slot, model)
                case Free(json=True):
                    await self._fill(slot, model)
                case Free():
                    await self._write(slot, model)
        return Completion(
            "".join(self._texts),
            self._model,
            self._finish,
            probabilities=self._probabilities,
            logprobs=self._logprobs,
            prompt_tokens=self._prompt_tokens,
            output_tokens=len(self._ids) - self._prompt_tokens,
            cached_tokens=self._cached or 0,
            dropped_lines=self._dropped,
            first_slot_s=self._first_slot_s,
            total_s=time.perf_counter() - self._began,
        )

    def _most_tokens(self, slot: _Slot) -> int:
        match slot:
            case Fixed():
                return len(self._tokens.encode(slot.text))
            case ChoiceWriter():
                return slot.most
            case Free():
                return slot.max_tokens + _SLACK
        return _most_bytes(slot)

    async def _choose(self, choice: ChoiceWriter, model: Model) -> None:
        """Goes down the tree of the options' tokens by what the model itself gives each."""
        choice.start()
        while not choice.done:
            row = np.full(len(self._tokens.pieces), -np.inf, np.float32)
            following = choice.following()
            for start in range(0, len(following), _MOST_TOLD):
                some = following[start : start + _MOST_TOLD]
                told = await self._asked(
                    model, self._ids + choice.ids, max_tokens=1, temperature=0, logprob_token_ids=some
                )
                row[some] = [told.logprobs[0][token] for token in some]
            choice.read(row)
        assert choice.probability is not None
        self._probabilities[choice.name] = choice.probability
        self._first_slot_s = self._first_slot_s or time.perf_counter() - self._began
        self._add(choice.text)
        if self._request.known is not None:
            self._request.known(choice.name, literal(choice.text))

    async def _count(self, slot: Number, model: Model) -> None:
        whole = json.dumps({"type": "integer", "minimum": slot.low, "maximum": slot.high})
        grammar = f'start: " " number {json.dumps(slot.end)}\nnumber: %json {whole}'
        written = await self._bound(slot, model, grammar=grammar)
        self._add(f" {int(written.removesuffix(slot.end))}{slot.end}")  # the grammar knows a -0

    async def _pick(self, slot: Pick, model: Model) -> None:
        options = list(dict.fromkeys(slot.options))
        if not all(options) or not options:
            raise BadRequest(f"{slot.name}: a pick needs options, and each needs a text.")
        self._add(await self._bound(slot, model, choice=options) if options[1:] else options[0])

    async def _bound(self, slot: Number | Pick, model: Model, **bound: Any) -> str:
        drawn = _drawn(self._request.sampling)
        written = await self._asked(model, self._ids, bound=bound, max_tokens=_most_bytes(slot), **drawn)
        return written.text

    async def _fill(self, slot: Free, model: Model) -> None:
        """A text in a JSON string, by a grammar that leaves it at its closing quote."""
        written = await self._free(slot, model, bound={"regex": json_text(slot.max_chars + 1) + '"'})
        found = _STRING.match(written.text)
        assert found
        text = self._settled(slot, unescaped(found[1]), full=not found[2])
        self._end(slot, written, json.dumps(text, ensure_ascii=False)[1:-1])

    async def _write(self, slot: Free, model: Model) -> None:
        """A text that is told as it is written."""
        stop, tell = self._request.sampling.stop, _telling(self._request)

        def enough(said: str) -> bool:
            tell(standing(said, slot, stop))
            return len(said) > slot.max_chars or any(sign in said for sign in stop)

        written = await self._free(slot, model, enough=enough, stop_token_ids=sorted(self._tokens.ends))
        text = self._settled(slot, written.text, written.full)
        tell(text)
        self._end(slot, written, text)

    async def _free(self, slot: Free, model: Model, **more: Any) -> Written:
        sampling = self._request.sampling
        return await self._asked(
            model,
            self._ids,
            max_tokens=slot.max_tokens + slot.json,  # the quote is none of the text's
            logprobs=0 if self._request.logprobs else None,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            min_p=sampling.min_p,
            repetition_penalty=sampling.repetition_penalty,
            **_drawn(sampling),
            **more,
        )

    async def _asked(self, model: Model, ids: list[int], **settings: Any) -> Written:
        written = await model.write(ids, self._turn, **settings)
        self._cached = written.cached if self._cached is None else self._cached
        return written

    def _settled(self, slot: Free, said: str, full: bool) -> str:
        text, limit = settled(said, slot, self._request.sampling.stop, full)
        self._finish = "limit" if limit else self._finish
        return text

    def _end(self, slot: Free, written: Written, text: str) -> None:
        if self._request.logprobs:
            self._logprobs[slot.name] = self._kept(written, text.encode())
        self._add(text)

    def _kept(self, written: Written, text: bytes) -> tuple[float, ...]:
        """The log-probabilities of the tokens that `text` has left."""
        kept: list[float] = []
        size = 0
        for token, told in zip(written.ids, written.logprobs, strict=True):
            piece = self._tokens.pieces[token]
            if token in self._tokens.ends or not text.startswith(piece, size):
                break
            kept.append(told[token])
            size += len(piece)
        return tuple(kept)

    def _add(self, text: str) -> None:
        self._texts.append(text)
        self._ids += self._tokens.encode(text)


_Slot = Fixed | ChoiceWriter | Number | Pick | Free


def _most_bytes(slot: Number | Pick) -> int:
    """The most tokens of its text, however it is taken apart, and of the end."""
    texts = slot.options if isinstance(slot, Pick) else (f" {slot.low}{slot.end}", f" {slot.high}{slot.end}")
    return max(len(text.encode()) for text in texts) + 1


def _drawn(sampling: Sampling) -> dict[str, Any]:
    seed = None if sampling.seed is None else sampling.seed % _SEEDS
    return {"temperature": sampling.temperature, "seed": seed}


def _telling(request: Request) -> Callable[[str], None]:
    """Tells the request, where its answer is one text, what is new of what stands of it."""
    told = 0

    def tell(stands: str) -> None:
        nonlocal told
        if request.written is not None and len(request.slots) == 1 and len(stands) > told:
            piece, told = stands[told:], len(stands)
            request.written(piece)

    return tell
