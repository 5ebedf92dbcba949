"""The work that both sides do: one text for each of some sample chats, of so many tokens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from attune.chat import parse_chat
from attune.connect import SAMPLES
from attune.errors import BadChat

NEW = 40
"""Tokens of every answer: random weights do not end by themselves."""
QUESTION = "Briefly summarize this conversation in one sentence."


def prompts(count: int) -> list[str]:
    """Sample chats of their real lengths, each with the question after it."""
    found = []
    for line in SAMPLES.read_bytes().splitlines():
        try:
            found.append(f"{parse_chat(line).text}\n\n{QUESTION}")
        except BadChat:
            continue
    return [found[index % len(found)] for index in range(count)]


def report(seconds: float, texts: int, tokens: int, more: dict[str, Any]) -> None:
    """Prints what a run took, as one line of JSON; memory is this process's own."""
    memory = psutil.Process().memory_info().rss / 2**20
    peak = _peak_mb()
    told = {"per_s": texts / seconds, "seconds": seconds, "tokens": tokens, "rss_mb": memory, "peak_mb": peak}
    print(json.dumps(told | more), flush=True)


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) / 2**10


def timed(run: Callable[[], int]) -> tuple[float, int]:
    """Seconds and tokens of a run."""
    began = time.perf_counter()
    tokens = run()
    return time.perf_counter() - began, tokens
