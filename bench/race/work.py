"""What every runner of the race is given and what it says: no import of anybody's library here.

A job is one chat: a triage question, and for an unhappy customer a reply question. A runner reads them from a
file, warms up, answers those that count, and ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

WARM = 4
"""So many jobs of the file come before those that count, to warm up with. The first is asked alone."""

Key = tuple[int, bool]
"""A question by its chat's number, and whether it is the reply's."""
Answer = list[int] | str


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt as token ids, and what its answer is to be.

    The longest that fits has `most` tokens. `regex` and `gbnf` are the same grammar in two forms, empty where
    any text will do. With random weights free text never ends: it goes on to `forced` tokens, if not 0.
    """

    ids: list[int]
    most: int
    regex: str = ""
    gbnf: str = ""
    forced: int = 0

    @property
    def free(self) -> int:
        """The tokens of an answer without a grammar, at most."""
        return self.forced or self.most + 1

    @property
    def bound(self) -> int:
        """The tokens of an answer that a grammar ends: it may be written in smaller pieces than need be."""
        return 2 * self.most + 1


@dataclass(frozen=True, slots=True)
class Job:
    """One chat by its number."""

    number: int
    triage: Question
    reply: Question | None

    @property
    def questions(self) -> list[tuple[Key, Question]]:
        asked = [((self.number, False), self.triage)]
        return asked if self.reply is None else [*asked, ((self.number, True), self.reply)]

    @classmethod
    def of(cls, record: dict[str, Any]) -> Job:
        reply = record["reply"]
        return cls(record["number"], Question(**record["triage"]), Question(**reply) if reply else None)


@dataclass(slots=True)
class Result:
    """What a run took. Runners fill in what they know, the race the rest."""

    seconds: float = 0.0
    each_s: list[float] = field(default_factory=list)
    """For each chat, from when it is taken on until its last answer is there."""
    in_flight: int = 0
    tokens: int = 0
    """Of all answers."""
    answers: list[tuple[int, bool, Answer]] = field(default_factory=list)
    first_at: float = 0.0
    """When the first chat of all had its answer, in seconds since 1970; and how long that chat took."""
    first_s: float = 0.0
    version: str = ""
    setting: str = ""
    extra: dict[str, float] = field(default_factory=dict)
    first_result_s: float = 0.0
    """From the start of the program."""
    peak_bytes: int = 0
    """Resident memory of the program and all it started, at the most."""
    valid: int = 0
    """Answers that are what their task asks for, by attune's own parser."""

    @property
    def rate(self) -> float:
        return len(self.each_s) / self.seconds


@dataclass(frozen=True, slots=True)
class Given:
    """A runner's command line. `ends` are the tokens that end an answer."""

    model: str
    jobs: list[Job]
    warm: list[Job]
    ends: list[int]
    way: str


def given() -> Given:
    """Reads the command line and the work file it names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--chats", type=int, default=10**6)
    parser.add_argument("--way", default="")
    options = parser.parse_args()
    jobs, ends = read(options.work)
    return Given(options.model, spread(jobs[WARM:], options.chats), jobs[:WARM], ends, options.way)


def read(path: Path) -> tuple[list[Job], list[int]]:
    """The jobs of a work file, those to warm up with first, and the tokens that end an answer."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    return [Job.of(json.loads(line)) for line in lines], json.loads(head)["ends"]


def write(path: Path, jobs: Sequence[Job], ends: Sequence[int]) -> None:
    records = [{"ends": list(ends)}, *map(asdict, jobs)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def spread(jobs: list[Job], count: int) -> list[Job]:
    """`count` of the jobs in their order, of all lengths and with replies as often as among all."""
    if count >= len(jobs):
        return jobs
    kinds = [[job for job in jobs if (job.reply is None) is happy] for happy in (True, False)]
    unhappy = round(count * len(kinds[1]) / len(jobs))
    taken = [
        job
        for kind, share in zip(kinds, (count - unhappy, unhappy), strict=True)
        for job in _evenly(sorted(kind, key=lambda job: len(job.triage.ids)), share)
    ]
    return sorted(taken, key=lambda job: job.number)


def _evenly(jobs: list[Job], count: int) -> list[Job]:
    return [jobs[int((place + 0.5) * len(jobs) / count)] for place in range(count)]


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


def say(result: Result) -> None:
    """The result as the last line of output."""
    print(json.dumps(asdict(result)), flush=True)
