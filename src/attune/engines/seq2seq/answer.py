"""From a request to its answer: one slot after the other, each by works of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Generator

import numpy as np

from attune.decode import draw
from attune.decode.shorten import settled
from attune.engines.seq2seq.ask import ask_of, labels, source
from attune.engines.seq2seq.tokens import Tokens
from attune.engines.seq2seq.walk import ChoiceWalk, FreeWalk, NumberWalk
from attune.engines.seq2seq.work import Draw, Generate, Score, Work, settings
from attune.errors import BadRequest
from attune.request import Choice, Completion, Fixed, Free, Number, Pick, Request, Sampling, Slot, literal

_MOST_SCORED = 64
"""An option of a Pick is judged by its first 64 tokens at most."""
Works = Generator[list[Work], None, None]


class Answer:
    """An answer in the making. `works` yields what is to be run next, all of it before the next is asked
    for; then `completion` gives the whole.

    Raises BadRequest for a request that cannot be answered.
    """

    def __init__(self, request: Request, tokens: Tokens, context_tokens: int, model: str) -> None:
        _check(request)
        self._began = time.perf_counter()
        self._request = request
        self._tokens = tokens
        self._context = context_tokens
        self._model = model
        self._draw = draw.Draw(request.sampling)
        self._texts = [""]
        self._finish = "stop"
        self._probabilities: dict[str, float] = {}
        self._logprobs: dict[str, tuple[float, ...]] = {}
        self._counts = {"prompt_tokens": 0, "output_tokens": 0, "dropped_lines": 0}
        self._first_slot_s = 0.0

    def works(self) -> Works:
        for slot in self._request.slots:
            match slot:
                case Fixed():
                    self._add(slot.text)
                case Choice():
                    yield from self._choose(slot)
                case Number():
                    yield from self._count(slot)
                case Pick():
                    yield from self._pick(slot)
                case Free():
                    yield from self._write(slot)

    def completion(self) -> Completion:
        best, *others = self._texts
        return Completion(
            best,
            self._model,
            self._finish,
            tuple(others),
            self._probabilities,
            self._logprobs,
            first_slot_s=self._first_slot_s,
            total_s=time.perf_counter() - self._began,
            **self._counts,
        )

    def _choose(self, slot: Choice) -> Works:
        told = labels(slot, ask_of(self._request, slot))
        options = {
            option: [*self._tokens.encode(label), self._tokens.end]
            for option, label in zip(slot.options, told, strict=True)
        }
        if len(set(map(tuple, options.values()))) < max(1, len(slot.options)):
            raise BadRequest(
                f"{slot.name}: a choice needs options, and the model must be able to tell them apart."
            )
        walk = ChoiceWalk(options, self._draw)
        if not walk.done:
            yield [Draw(self._source(slot), walk)]
        self._counts["output_tokens"] += len(walk.ids)
        self._probabilities[slot.name] = walk.probability
        self._first_slot_s = self._first_slot_s or time.perf_counter() - self._began
        self._add(walk.taken)
        if self._request.known is not None:
            self._request.known(slot.name, literal(walk.taken))

    def _count(self, slot: Number) -> Works:
        walk = NumberWalk(slot, self._tokens.numeric(), self._tokens.end, self._draw)
        yield [Draw(self._source(slot), walk)]
        self._counts["output_tokens"] += len(walk.ids)
        self._add(walk.text)

    def _pick(self, slot: Pick) -> Works:
        texts = list(dict.fromkeys(slot.options))
        if not all(texts) or not texts:
            raise BadRequest(f"{slot.name}: a pick needs options, and each needs a text.")
        if len(texts) > 1:
            asked = self._source(slot)
            works = [Score(asked, self._tokens.encode(_plain(text))[:_MOST_SCORED]) for text in texts]
            yield [*works]
            texts.sort(key=dict(zip(texts, map(_likelihood, works), strict=True)).__getitem__)
        self._counts["output_tokens"] += len(self._tokens.encode(_plain(texts[-1])))
        self._add(texts[-1])

    def _write(self, slot: Free) -> Works:
        if slot.max_chars < 1 or slot.max_tokens < 1:
            raise BadRequest(f"{slot.name}: room for one character and one token is needed at least.")
        asked = self._source(slot)
        if _draws_ourselves(self._request.sampling):
            walk = self._free_walk(slot)
            yield [Draw(asked, walk)]
            written = [walk.ids]
        else:
            work = Generate(asked, settings(slot.max_tokens, self._request.sampling, self._request.sequences))
            yield [work]
            written = work.texts
        said = [self._said(slot, ids) for ids in written]
        self._finish = "limit" if said[0][1] else self._finish
        self._add(*(json.dumps(text, ensure_ascii=False)[1:-1] if slot.json else text for text, _ in said))
        self._counts["output_tokens"] += sum(map(len, written))
        if self._request.logprobs:
            yield from self._look_back(slot, asked, written[0], said[0][0])
        if self._request.written is not None and self._request.slots == (slot,) and not slot.json:
            self._request.written(said[0][0])

    def _look_back(self, slot: Free, asked: list[int], ids: list[int], text: str) -> Works:
        """What the model gave each token of `text`, the beginning of what `ids` say."""
        kept = next(
            (count for count in range(len(ids)) if len(self._tokens.decode(ids[:count])) >= len(text)),
            len(ids),
        )
        work = Score(asked, ids)
        yield [work]
        self._logprobs[slot.name] = tuple(work.logprobs[:kept])

    def _free_walk(self, slot: Free) -> FreeWalk:
        stop = self._request.sampling.stop
        self._draw.standing = lambda: [self._tokens.start, *walk.ids]
        walk = FreeWalk(
            self._draw,
            slot.max_tokens,
            self._tokens.end,
            self._tokens.banned,
            lambda ids: bool(stop) and any(sign in self._tokens.decode(ids) for sign in stop),
        )
        return walk

    def _said(self, slot: Free, ids: list[int]) -> tuple[str, bool]:
        """The text of `ids` as it stands in the answer, and whether it met a limit."""
        full = len(ids) >= slot.max_tokens
        return settled(self._tokens.decode(ids), slot, self._request.sampling.stop, full)

    def _source(self, slot: Slot) -> list[int]:
        ids, dropped = source(self._request, slot, self._tokens, self._context)
        self._counts["prompt_tokens"] += len(ids)
        self._counts["dropped_lines"] = max(self._counts["dropped_lines"], dropped)
        return ids

    def _add(self, *texts: str) -> None:
        """Several texts there are only where they are the whole answer."""
        self._texts = [self._texts[0] + text for text in texts]


def _check(request: Request) -> None:
    sampling = request.sampling
    if sampling.num_beams > 1 and sampling.temperature:
        raise BadRequest("Beam search draws nothing: leave num_beams out, or temperature (do_sample) out.")
    if request.sequences > sampling.num_beams:
        raise BadRequest(
            f"{request.sequences} texts of one beam search need as many beams, not {sampling.num_beams}."
        )
    if request.sequences > 1 and len(request.slots) > 1:
        raise BadRequest("Several texts can only be asked for where the answer is one text.")


def _draws_ourselves(sampling: Sampling) -> bool:
    """A runner draws too, and faster, but it has one seed for the whole process, and perhaps no `min_p`."""
    return sampling.temperature > 0 and (sampling.seed is not None or sampling.min_p > 0)


def _plain(option: str) -> str:
    """An option of a Pick, which stands in a JSON string, as the text it means."""
    return str(json.loads(f'"{option}"'))


def _likelihood(work: Score) -> tuple[float, int]:
    """Per token; of two as likely the longer one counts as more."""
    count = len(work.target)
    return float(np.mean(work.logprobs[:count] or [0.0])), count
