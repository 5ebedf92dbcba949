"""Transformers' side: python -m bench.t5.theirs FOLDER CHATS DTYPE [WAY…], in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.t5.work import LABELS, NEW, QUESTION, WAYS, chats, prompts, report

BATCH = 16
_SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"do_sample": False},
    "beams": {"do_sample": False, "num_beams": 4, "early_stopping": True},
    "drawn": {"do_sample": True, "temperature": 1.0, "top_k": 50, "top_p": 0.95},
}


class Batches:
    """Prompts sorted by length, in batches."""

    def __init__(self, folder: Path, dtype: str) -> None:
        self._torch: Any = import_module("torch")
        transformers: Any = import_module("transformers")
        self._torch.set_num_threads(len(os.sched_getaffinity(0)))
        self._tokens = transformers.AutoTokenizer.from_pretrained(folder)
        kind = getattr(self._torch, dtype)
        self._model = transformers.T5ForConditionalGeneration.from_pretrained(folder, dtype=kind).eval()

    def run(self, way: str, count: int) -> None:
        texts = list(map(_question, chats(count))) if way == "sentiment" else prompts(count)
        texts.sort(key=len)
        with self._torch.inference_mode():
            for start in range(0, count, BATCH):
                batch = texts[start : start + BATCH]
                asked = self._tokens(
                    batch, return_tensors="pt", padding=True, truncation=True, max_length=512
                )
                self._choose(asked) if way == "sentiment" else self._write(asked, way)

    def _write(self, asked: Any, way: str) -> None:
        made = self._model.generate(**asked, max_new_tokens=NEW, **_SETTINGS[way])
        assert made.shape[1] == 1 + NEW, "a text ended early, which makes rates hard to compare"

    def _choose(self, asked: Any) -> None:
        """The first token after the prompt tells the labels apart: one step of the decoder."""
        start = self._torch.zeros((len(asked.input_ids), 1), dtype=self._torch.long)
        self._model(**asked, decoder_input_ids=start).logits[:, -1].argmax(-1).tolist()


def _question(text: str) -> str:
    options = "\n".join(f"- {label}" for label in LABELS)
    return f"{text}\n\n{QUESTION}\n\nOPTIONS:\n{options}"


def main(folder: Path, count: int, dtype: str, ways: Sequence[str]) -> None:
    report(Batches(folder, dtype).run, count, ways)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:] or WAYS)
