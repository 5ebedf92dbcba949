"""A T5 of Transformers, one batch at a time."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
import transformers

from attune.engines.seq2seq.runner import Stop
from attune.engines.seq2seq.tokens import Tokens
from attune.engines.seq2seq.work import Draw, Generate, Score, Work
from attune.engines.torch.adapter import branch
from attune.engines.torch.loading import loaded


class T5Runner:
    """A Runner of the Hugging Face folder `folder`, with `adapter` if there is one."""

    def __init__(self, folder: Path, adapter: Path | None, device: Any, kind: Any) -> None:
        self._device = device
        self._tokens = Tokens(folder)
        self._model = loaded(transformers.AutoModelForSeq2SeqLM, folder, device, kind)
        self._model.generation_config = transformers.GenerationConfig()  # what we say and no more
        if adapter:
            branch(self._model, adapter)

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    def run(self, works: list[Work], stop: Stop) -> None:
        ids, mask = self._padded([work.source for work in works])
        with torch.inference_mode():
            match works[0]:
                case Generate():
                    self._generate([work for work in works if isinstance(work, Generate)], ids, mask, stop)
                case Score():
                    self._score([work for work in works if isinstance(work, Score)], ids, mask)
                case Draw():
                    self._draw([work for work in works if isinstance(work, Draw)], ids, mask, stop)

    def close(self) -> None:
        self._model = None

    def _generate(self, works: list[Generate], ids: Any, mask: Any, stop: Stop) -> None:
        settings, sampling = works[0].settings, works[0].settings.sampling
        more: dict[str, Any] = {}
        if sampling.num_beams > 1:
            more = {"length_penalty": sampling.length_penalty, "early_stopping": sampling.early_stopping}
        if sampling.temperature:
            more |= {"temperature": sampling.temperature, "top_k": sampling.top_k, "top_p": sampling.top_p}
        config = transformers.GenerationConfig(
            max_new_tokens=settings.tokens,
            num_beams=sampling.num_beams,
            num_return_sequences=settings.sequences,
            do_sample=sampling.temperature > 0,
            repetition_penalty=sampling.repetition_penalty,
            no_repeat_ngram_size=sampling.no_repeat_ngram_size,
            decoder_start_token_id=self._tokens.start,
            eos_token_id=self._tokens.end,
            pad_token_id=self._tokens.start,
            **more,
        )

        def given_up(made: Any, _: Any) -> Any:
            wide = sampling.num_beams
            rows = [stop(row // wide) for row in range(len(made))]
            return torch.tensor(rows, device=made.device)

        made = self._model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=config,
            stopping_criteria=transformers.StoppingCriteriaList([given_up]),
        )
        texts = [
            list(takewhile(lambda token: token != self._tokens.end, row)) for row in made[:, 1:].tolist()
        ]
        for number, work in enumerate(works):
            work.texts = texts[number * settings.sequences : (number + 1) * settings.sequences]

    def _score(self, works: list[Score], ids: Any, mask: Any) -> None:
        said, _ = self._padded([[self._tokens.start, *work.target] for work in works])
        wanted, _ = self._padded([[*work.target, self._tokens.end] for work in works])
        logits = self._model(input_ids=ids, attention_mask=mask, decoder_input_ids=said).logits
        likely = logits.float().log_softmax(-1).gather(2, wanted[..., None])[..., 0].tolist()
        for work, row in zip(works, likely, strict=True):
            work.logprobs = row[: len(work.target) + 1]

    def _draw(self, works: list[Draw], ids: Any, mask: Any, stop: Stop) -> None:
        """Shows walks their logits until each is done. All are fed as many tokens: one that has taken several
        at once is shown the next when those are through."""
        encoded = self._model.get_encoder()(input_ids=ids, attention_mask=mask)
        left, past, fed = list(range(len(works))), None, 0
        while left:
            standing = [[self._tokens.start, *works[number].walk.ids] for number in left]
            until = min(map(len, standing))
            out = self._model(
                encoder_outputs=encoded,
                attention_mask=mask,
                decoder_input_ids=torch.tensor([row[fed:until] for row in standing], device=self._device),
                past_key_values=past,
                use_cache=True,
            )
            past, fed = out.past_key_values, until
            for logits, row, number in zip(
                out.logits[:, -1].float().cpu().numpy(), standing, left, strict=True
            ):
                if len(row) == fed:
                    _read(works[number], logits)
            stay = [at for at, number in enumerate(left) if not (_ended(works[number]) or stop(number))]
            if len(stay) < len(left):
                kept = torch.tensor(stay, device=self._device, dtype=torch.long)
                left, mask = [left[at] for at in stay], mask[kept]
                encoded.last_hidden_state = encoded.last_hidden_state[kept]
                past.batch_select_indices(kept)

    def _padded(self, rows: list[list[int]]) -> tuple[Any, Any]:
        """`rows` filled up at their ends, and a mask of what is theirs."""
        longest = max(map(len, rows))
        ids = [row + [self._tokens.start] * (longest - len(row)) for row in rows]
        mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
        return tuple(torch.tensor(each, device=self._device) for each in (ids, mask))


def _read(work: Draw, logits: Any) -> None:
    try:
        work.walk.read(logits)
    except Exception as error:  # noqa: BLE001 - the boundary: one walk ends, the batch goes on
        work.error = error


def _ended(work: Draw) -> bool:
    return work.walk.done or work.error is not None
