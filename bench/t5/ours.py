"""attune's side: python -m bench.t5.ours FOLDER CHATS WAY, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from attune.engines.ctranslate2 import CTranslate2Engine
from attune.request import Ask, Choice, Free, Prompt, Request, Sampling
from bench.t5.work import NEW, QUESTION, prompts, report, timed

_LABELS = ("unhappy", "neutral", "happy")
WAYS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "beams": {"num_beams": 4, "early_stopping": True},
    "drawn": {"temperature": 0.25, "top_k": 50, "top_p": 0.95},
    "sentiment": {},
}


def requests(way: str, count: int) -> list[Request]:
    sampling = Sampling(**WAYS[way])
    if way == "sentiment":
        slot = Choice("sentiment", (" -1,", " 0,", " 1,"))
        asks = {"sentiment": Ask("How does the customer feel?", _LABELS)}
        texts = (text.removesuffix(QUESTION).strip() for text in prompts(count))
        return [Request(Prompt("", (text,), ""), (slot,), sampling, asks=asks) for text in texts]
    free = Free("text", 100_000, NEW, json=False, whole=False)
    return [Request(Prompt("", (text,), ""), (free,), sampling) for text in prompts(count)]


def main(folder: Path, count: int, way: str) -> None:
    engine = CTranslate2Engine(folder, context_tokens=512)
    asked = requests(way, count)

    def run() -> int:
        futures = [engine.submit(request) for request in asked]
        return sum(future.result().output_tokens for future in futures)

    for request in asked[:4]:
        engine.submit(request).result()
    report(*_of(timed(run), len(asked)), {})
    engine.close()


def _of(measured: tuple[float, int], texts: int) -> tuple[float, int, int]:
    return measured[0], texts, measured[1]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
