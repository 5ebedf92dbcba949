"""What every runner of the race is given and what it says: no import of anybody's library here.

A job is one chat: a triage question, and for an unhappy customer a reply question. Both are token ids,
with the number of tokens the answer has. A runner reads jobs from a file and writes one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

WARM = 4
"""So many jobs of the file come before those that count, to warm up with."""


@dataclass(frozen=True, slots=True)
class Job:
    """One chat. `known_at` is how many tokens of the triage answer there are when the sentiment stands."""

    triage: list[int]
    triage_tokens: int
    reply: list[int] | None
    reply_tokens: int
    known_at: int

    @property
    def questions(self) -> int:
        return 1 + (self.reply is not None)

    @property
    def asked(self) -> int:
        """The tokens of the answers that were asked for."""
        return self.triage_tokens + (self.reply_tokens if self.reply is not None else 0)


@dataclass(slots=True)
class Result:
    """What a run over `chats` chats took. `decoded` counts tokens that came out of the model one by one."""

    seconds: float = 0.0
    chats: int = 0
    questions: int = 0
    asked: int = 0
    decoded: int = 0
    early: int = 0
    """Answers that ended before their length."""
    load_s: float = 0.0
    version: str = ""
    setting: str = ""
    sentiment_s: list[float] = field(default_factory=list)
    """From a chat's arrival until its sentiment is known, and until its answer is complete, reply too."""
    answer_s: list[float] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """A runner's command line."""

    model: Path
    jobs: list[Job]
    warm: list[Job]
    arrivals: list[float]
    """When each job comes, in seconds: all at once, or by chance at a rate."""
    way: str
    answers: Path | None


def given() -> Given:
    """Reads the command line and the work file it names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--chats", type=int, default=10**6)
    parser.add_argument("--middle", action="store_true")  # those nearest to the median length
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--way", default="")
    parser.add_argument("--answers", type=Path)
    options = parser.parse_args()
    lines = options.work.read_text(encoding="utf-8").splitlines()
    jobs = [Job(**json.loads(line)) for line in lines]
    warm, jobs = jobs[:WARM], jobs[WARM:]
    if options.middle:
        jobs.sort(key=lambda job: len(job.triage))
        jobs = jobs[max(0, (len(jobs) - options.chats) // 2) :]
    jobs = jobs[: options.chats]
    return Given(options.model, jobs, warm, arrivals(len(jobs), options.rate), options.way, options.answers)


def arrivals(count: int, rate: float) -> list[float]:
    """Times of `count` arrivals, `rate` a second as chance has it, the same every time; 0 is all at once."""
    chance = random.Random(2026)
    times, now = [], 0.0
    for _ in range(count):
        now += chance.expovariate(rate) if rate else 0.0
        times.append(now)
    return times


class Progress:
    """Tells the parent how far a run is, at most twice a second."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._told = total, 0, 0.0

    def step(self, count: int = 1) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._told > 0.5:
            self._told = now
            print(f"progress {self._done} {self._total}", file=sys.stderr, flush=True)


def say(result: Result, given: Given, answers: Sequence[Sequence[int]] = ()) -> None:
    """The result as the last line of output; the answers' tokens, where they were asked for, as a file."""
    result.chats = len(given.jobs)
    result.questions = sum(job.questions for job in given.jobs)
    result.asked = sum(job.asked for job in given.jobs)
    if given.answers:
        given.answers.write_text(json.dumps([list(answer) for answer in answers]), encoding="utf-8")
    print(json.dumps(asdict(result)), flush=True)
