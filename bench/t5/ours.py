"""attune's side: python -m bench.t5.ours FOLDER CHATS, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from attune.engines.ctranslate2 import CTranslate2Engine
from attune.request import Ask, Choice, Free, Prompt, Request, Sampling
from bench.t5.work import LABELS, NEW, QUESTION, chats, prompts, report

_SETTINGS: dict[str, dict[str, Any]] = {
    "sentiment": {},
    "greedy": {},
    "beams": {"num_beams": 4, "early_stopping": True},
    "drawn": {"temperature": 1.0, "top_k": 50, "top_p": 0.95, "seed": None},
}


def requests(way: str, count: int) -> list[Request]:
    sampling = Sampling(**_SETTINGS[way])
    if way == "sentiment":
        slot = Choice("sentiment", (" -1,", " 0,", " 1,"))
        asks = {"sentiment": Ask(QUESTION, LABELS)}
        return [Request(Prompt("", (text,), ""), (slot,), sampling, asks=asks) for text in chats(count)]
    free = Free("text", 100_000, NEW, json=False, whole=False)
    return [Request(Prompt("", (text,), ""), (free,), sampling) for text in prompts(count)]


def main(folder: Path, count: int) -> None:
    engine = CTranslate2Engine(folder)

    def run(way: str, some: int) -> None:
        for future in [engine.submit(request) for request in requests(way, some)]:
            future.result()

    report(run, count)
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
