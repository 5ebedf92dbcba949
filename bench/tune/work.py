"""The work that both sides do: the same lessons, so many times, one base; and what each says of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from attune import task
from attune.engines.seq2seq.tokens import Tokens
from attune.tune.base import Base
from attune.tune.check import check
from attune.tune.examples import Tasks, examples
from attune.tune.lesson import Lesson
from attune.tune.settings import Settings
from bench.t5.work import prompts

BAKERY = Path(__file__).parents[2] / "examples" / "bakery" / "letters.jsonl"
POCKET = Path("models/pocket-hf")


@dataclass(frozen=True, slots=True)
class Work:
    """Lessons for a base, and how often they are gone through."""

    base: Path
    lessons: list[Lesson]
    settings: Settings

    @property
    def tokens(self) -> int:
        """Of all lessons, each counted whole, however it is read."""
        return sum(map(len, self.lessons)) * self.settings.epochs


def bakery(epochs: int) -> Work:
    """The pocket model and twenty mails to a Korean bakery with their replies."""
    reply = task.load(task.find("reply"))
    found = examples([str(BAKERY)], Tasks.of(reply))
    checked = check(found, Base(POCKET).teacher, Settings().max_tokens)
    lessons = [lesson for each in checked.taught for lesson in each.lessons]
    return Work(POCKET, lessons, _settings(epochs))


def t5(base: Path, epochs: int) -> Work:
    """A T5 and twenty sample chats, each with the beginning of the next one as if it were its summary."""
    tokens = Tokens(base)
    texts = [tuple(tokens.encode(text)[:400]) for text in prompts(21)]
    lessons = [
        Lesson(asked, said[:60], (True,) * len(said[:60]), f"chat {number}")
        for number, (asked, said) in enumerate(pairwise(texts))
    ]
    return Work(base, lessons, _settings(epochs))


def _settings(epochs: int) -> Settings:
    return Settings(epochs=epochs, patience=0)


class Clock:
    """Rates from the first step to the last: what is made ready on first use is not part of them."""

    def __init__(self) -> None:
        self._at: list[float] = []

    def step(self) -> None:
        self._at.append(time.perf_counter())

    def report(self, work: Work, loss: float) -> None:
        """Prints tokens/s, the last loss and this process's memory at its peak, as a line of JSON."""
        share = (len(self._at) - 1) / len(self._at)
        rate = work.tokens * share / (self._at[-1] - self._at[0])
        print(json.dumps({"tokens_per_s": rate, "loss": loss, "peak_mb": _peak_mb()}), flush=True)


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) / 2**10
