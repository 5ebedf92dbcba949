"""The two ways to work through the chats: some always in flight, or one batch after the other."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from bench.race.work import Answer, Given, Job, Key, Progress, Question, Result

Batch = Callable[[list[Question]], list[list[int]]]


class Peer(Protocol):
    """An engine that questions join and leave while it runs."""

    def add(self, key: Key, question: Question) -> None: ...

    def step(self) -> Sequence[tuple[Key, Answer, int]]:
        """Goes on; the answers that are whole now, and how many tokens each has."""


def in_flight(peer: Peer, asked: Given, most: int, result: Result) -> None:
    """A closed loop: `most` chats are always in flight; a reply is asked once its chat has its triage."""
    first = asked.warm[:1]
    result.first_s = closed_loop(peer, first, 1, Result())
    result.first_at = time.time()
    closed_loop(peer, asked.warm[1:], most, Result())
    result.in_flight = most
    result.seconds = closed_loop(peer, asked.jobs, most, result)


def closed_loop(peer: Peer, jobs: list[Job], most: int, result: Result) -> float:
    progress = Progress(len(jobs))
    waiting, began = deque(jobs), time.perf_counter()
    open_jobs: dict[int, tuple[Job, float]] = {}
    while waiting or open_jobs:
        while waiting and len(open_jobs) < most:
            job = waiting.popleft()
            open_jobs[job.number] = job, time.perf_counter()
            peer.add((job.number, False), job.triage)
        for (number, reply), answer, tokens in peer.step():
            result.answers.append((number, reply, answer))
            result.tokens += tokens
            job, since = open_jobs[number]
            if not reply and job.reply is not None:
                peer.add((number, True), job.reply)
                continue
            result.each_s.append(time.perf_counter() - since)
            del open_jobs[number]
            progress.step()
    return time.perf_counter() - began


def in_batches(answer: Batch, asked: Given, size: int, result: Result) -> None:
    """Triage for all, then the replies, `size` questions of like length at a time. A chat's time is that of
    the batches it is in: it does not count how long it waits for its turn."""
    began = time.perf_counter()
    _batches(answer, asked.warm[:1], size, Result())
    result.first_s, result.first_at = time.perf_counter() - began, time.time()
    _batches(answer, asked.warm, size, Result())
    result.in_flight = size
    began = time.perf_counter()
    _batches(answer, asked.jobs, size, result)
    result.seconds = time.perf_counter() - began


def _batches(answer: Batch, jobs: list[Job], size: int, result: Result) -> None:
    asked = [question for job in jobs for question in job.questions]
    asked.sort(key=lambda each: (each[0][1], len(each[1].ids)))
    took = dict.fromkeys((job.number for job in jobs), 0.0)
    progress = Progress(len(asked))
    for reply in (False, True):
        kind = [each for each in asked if each[0][1] is reply]
        for start in range(0, len(kind), size):
            batch = kind[start : start + size]
            began = time.perf_counter()
            answers = answer([question for _, question in batch])
            seconds = time.perf_counter() - began
            for ((number, _), _), ids in zip(batch, answers, strict=True):
                result.answers.append((number, reply, ids))
                result.tokens += len(ids)
                took[number] += seconds
            progress.step(len(batch))
    result.each_s = list(took.values())
