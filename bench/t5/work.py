"""The work that both sides do: one text for each of some sample chats, of so many tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from attune.chat import parse_chat
from attune.connect import SAMPLES
from attune.errors import BadChat

NEW = 40
"""Tokens of every answer: random weights do not end by themselves."""
WAYS = ("sentiment", "greedy", "beams", "drawn")
QUESTION = "How does the customer feel?"
LABELS = ("unhappy", "neutral", "happy")
_SUMMARIZE = "Briefly summarize this conversation in one sentence."


@cache
def chats(count: int) -> list[str]:
    """Sample chats of their real lengths."""
    found = []
    for line in SAMPLES.read_bytes().splitlines():
        try:
            found.append(parse_chat(line).text)
        except BadChat:
            continue
    return [found[index % len(found)] for index in range(count)]


def prompts(count: int) -> list[str]:
    """The chats, each with what is to be written of it."""
    return [f"{text}\n\n{_SUMMARIZE}" for text in chats(count)]


def report(run: Callable[[str, int], None], count: int, ways: Sequence[str] = WAYS) -> None:
    """Prints the chats per second of each way, and this process's memory at its peak, as a line of JSON.
    `run` answers so many chats in one way."""
    run("greedy", 1)  # what is made ready on first use is not part of the rates
    told = {}
    for way in ways:
        began = time.perf_counter()
        run(way, count)
        told[way] = count / (time.perf_counter() - began)
    print(json.dumps({"per_s": told, "peak_mb": _peak_mb()}), flush=True)


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) / 2**10
