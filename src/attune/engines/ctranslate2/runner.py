"""Calls of CTranslate2, one batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from attune.address import load
from attune.decode.draw import Row
from attune.engines.seq2seq.runner import Stop
from attune.engines.seq2seq.tokens import Tokens
from attune.engines.seq2seq.work import Draw, Generate, Score, Work
from attune.errors import EngineError

_AHEAD = 32
"""Tokens that walks may take in one run: what the model shows of each step is kept until its end."""
_PATIENCE = 1.5
"""Without early stopping beam search goes on until it has so many times `num_beams` whole texts."""


class CTranslate2Runner:
    """A loaded model. As many threads as it has `workers` may call `run` at once, each on `threads` cores."""

    def __init__(self, folder: Path, device: str, compute_type: str, workers: int, threads: int) -> None:
        self._library = load("ctranslate2", "ctranslate2")
        self._tokens = Tokens(folder)
        try:
            self._translator: Any = self._library.Translator(
                str(folder),
                device=device,
                compute_type=compute_type,
                inter_threads=workers,
                intra_threads=threads,
            )
        except (RuntimeError, ValueError) as error:
            raise EngineError(
                f"{folder}: CTranslate2 cannot run it ({device}, {compute_type}): {error}"
            ) from error

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    def run(self, works: list[Work], stop: Stop) -> None:
        sources = [self._tokens.pieces(work.source) for work in works]
        match works[0]:
            case Generate():
                self._generate([work for work in works if isinstance(work, Generate)], sources, stop)
            case Score():
                self._score([work for work in works if isinstance(work, Score)], sources)
            case Draw():
                self._draw([work for work in works if isinstance(work, Draw)], sources, stop)

    def close(self) -> None:
        self._translator = None  # its threads would not outlive the program in peace

    def _generate(self, works: list[Generate], sources: list[list[str]], stop: Stop) -> None:
        settings, sampling = works[0].settings, works[0].settings.sampling
        asked: dict[str, Any] = {}
        if sampling.num_beams == 1:
            asked["callback"] = lambda step: stop(step.batch_id)
        if sampling.temperature:
            asked["sampling_temperature"] = sampling.temperature
            asked["sampling_topk"] = min(sampling.top_k, len(self._tokens))
            asked["sampling_topp"] = sampling.top_p
        results = self._translator.translate_batch(
            sources,
            beam_size=sampling.num_beams,
            num_hypotheses=settings.sequences,
            length_penalty=sampling.length_penalty,
            patience=1.0 if sampling.early_stopping else _PATIENCE,
            repetition_penalty=sampling.repetition_penalty,
            no_repeat_ngram_size=sampling.no_repeat_ngram_size,
            min_decoding_length=0,
            max_decoding_length=settings.tokens,
            max_input_length=0,
            **asked,
        )
        for work, result in zip(works, results, strict=True):
            work.texts = [self._tokens.numbers(pieces) for pieces in result.hypotheses]

    def _score(self, works: list[Score], sources: list[list[str]]) -> None:
        targets = [self._tokens.pieces(work.target) for work in works]
        results = self._translator.score_batch(sources, targets, max_input_length=0)
        for work, result in zip(works, results, strict=True):
            work.logprobs = list(result.log_probs)

    def _draw(self, works: list[Draw], sources: list[list[str]], stop: Stop) -> None:
        """Shows walks their logits, each until it has taken another token than the model would go on with."""
        self._translator.translate_batch(
            sources,
            target_prefix=[self._tokens.pieces(work.walk.ids) for work in works],
            beam_size=1,
            min_decoding_length=0,
            max_decoding_length=max(len(work.walk.ids) for work in works) + _AHEAD,
            max_input_length=0,
            return_logits_vocab=True,
            callback=_Steps(works, stop, self._on_cpu),
        )

    def _on_cpu(self, logits: Any) -> Row:
        here = logits.to_device(self._library.Device.cpu) if self._translator.device != "cpu" else logits
        rows: Row = np.array(here.to(self._library.DataType.float32))
        return rows


class _Steps:
    """Is told each token of a batch, and says whether that sequence ends there. The first call of a step
    brings the logits of all sequences that are left, in the order of the calls."""

    def __init__(self, works: list[Draw], stop: Stop, on_cpu: Callable[[Any], Row]) -> None:
        self._works = works
        self._stop = stop
        self._on_cpu = on_cpu
        self._begun = [len(work.walk.ids) for work in works]
        self._step = -1

    def __call__(self, told: Any) -> bool:
        if told.step != self._step:
            self._step, self._row = told.step, 0
            self._logits = self._on_cpu(told.logits)
        row, self._row = self._row, self._row + 1
        if told.step < self._begun[told.batch_id]:
            return self._stop(told.batch_id)
        return self._read(told, self._logits[row])

    def _read(self, told: Any, logits: Row) -> bool:
        work = self._works[told.batch_id]
        try:
            work.walk.read(logits)
        except Exception as error:  # noqa: BLE001 - one raised through native code would end the program
            work.error = error
            return True
        walk = work.walk
        goes_along = len(walk.ids) == told.step + 1 and walk.ids[-1] == told.token_id
        return walk.done or not goes_along or self._stop(told.batch_id)
