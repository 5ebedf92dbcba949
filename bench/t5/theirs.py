"""Transformers' side: python -m bench.t5.theirs FOLDER CHATS WAY DTYPE, in a process of its own."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.t5.work import NEW, QUESTION, prompts, report, timed

BATCH = 16
_LABELS = ("unhappy", "neutral", "happy")
WAYS: dict[str, dict[str, Any]] = {
    "greedy": {"do_sample": False},
    "beams": {"do_sample": False, "num_beams": 4, "early_stopping": True},
    "drawn": {"do_sample": True, "temperature": 0.25, "top_k": 50, "top_p": 0.95},
}


class Batches:
    """Prompts sorted by length, in batches."""

    def __init__(self, folder: Path, dtype: str) -> None:
        self._torch: Any = import_module("torch")
        transformers: Any = import_module("transformers")
        self._torch.set_num_threads(os.cpu_count() or 1)
        self._tokens = transformers.AutoTokenizer.from_pretrained(folder)
        kind = getattr(self._torch, dtype)
        self._model = transformers.T5ForConditionalGeneration.from_pretrained(folder, dtype=kind).eval()

    def run(self, texts: list[str], way: str) -> int:
        """Tokens that were written."""
        order = sorted(texts, key=len)
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        with self._torch.inference_mode():
            return sum(
                self._choose(batch) if way == "sentiment" else self._write(batch, way) for batch in batches
            )

    def _write(self, batch: list[str], way: str) -> int:
        asked = self._tokens(batch, return_tensors="pt", padding=True, truncation=True, max_length=512)
        made = self._model.generate(**asked, max_new_tokens=NEW, **WAYS[way])
        return int((made[:, 1:] != 0).sum())

    def _choose(self, batch: list[str]) -> int:
        """The first token after the prompt tells the labels apart: one step of the decoder."""
        texts = [_question(text) for text in batch]
        asked = self._tokens(texts, return_tensors="pt", padding=True, truncation=True, max_length=512)
        start = self._torch.zeros((len(batch), 1), dtype=self._torch.long)
        logits = self._model(**asked, decoder_input_ids=start).logits[:, -1]
        return int(logits.argmax(-1).numel())


def _question(text: str) -> str:
    options = "\n".join(f"- {label}" for label in _LABELS)
    return text.replace(QUESTION, f"How does the customer feel?\n\nOPTIONS:\n{options}")


def main(folder: Path, count: int, way: str, dtype: str) -> None:
    side = Batches(folder, dtype)
    texts = prompts(count)
    side.run(texts[:4], way)
    seconds, tokens = timed(lambda: side.run(texts, way))
    report(seconds, len(texts), tokens, {})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
