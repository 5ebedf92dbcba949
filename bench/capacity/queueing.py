"""The queue and its workers in SimPy: each worker as `attune run --follow` is, its engine as it was measured.

A running batch is shared: n chats in flight get the speed of n each an n-th part, so the engine is a
processor sharing server whose speed depends on how many it serves (Cohen, The multiple phase service
network with generalized processor sharing, Acta Informatica 12, 1979). How much work a chat is, is drawn
from the times that chats took alone. Around it stand the waits of the run itself: it looks at an empty
queue ten times a second, and an outcome waits up to a tenth of a second for others to be written with it.
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from functools import partial

from simpy import Environment, Event

from bench.capacity.service import Service

POLL_S = 0.1
LINGER_S = 0.1
_Steps = Generator[Event, None, None]


@dataclass(slots=True)
class Result:
    """What came of all chats: seconds until the outcome was durable, and the workers over time."""

    outcome_s: array[float] = field(default_factory=lambda: array("d"))
    draft_s: array[float] = field(default_factory=lambda: array("d"))
    most_waiting: int = 0
    workers: list[tuple[float, int]] = field(default_factory=list)
    """(time, how many are paid for from then on)."""
    end_s: float = 0.0


@dataclass(slots=True)
class _Job:
    came_s: float
    work_s: float
    drafted: bool


class Queue:
    """Chats that wait, and those who look after them."""

    def __init__(self, env: Environment, service: Service, chance: random.Random) -> None:
        self.env, self.service, self.chance, self.result = env, service, chance, Result()
        self.waiting: deque[_Job] = deque()
        self.workers: list[Worker] = []
        self.arrived = env.event()
        self.speeds = [0.0, *(service.speed(n) for n in range(1, service.in_flight + 1))]

    @property
    def backlog(self) -> int:
        """Chats that wait or are in a worker's hands."""
        return len(self.waiting) + sum(worker.open for worker in self.workers)

    def arrive(self, times: Iterable[float]) -> _Steps:
        """Puts in a chat at each of `times`."""
        draft_s, triage_s = self.service.draft_s, self.service.triage_s
        share = len(draft_s) / (len(draft_s) + len(triage_s))
        for at_s in times:
            yield self.env.timeout(at_s - self.env.now)
            drafted = self.chance.random() < share
            self.waiting.append(_Job(at_s, self.chance.choice(draft_s if drafted else triage_s), drafted))
            self.result.most_waiting = max(self.result.most_waiting, len(self.waiting))
            self._tell()
        while self.backlog:
            yield self.env.timeout(1.0)
        self.result.end_s = self.env.now

    def give_back(self, jobs: Iterable[_Job]) -> None:
        self.waiting.extendleft(jobs)
        self._tell()

    def _tell(self) -> None:
        if self.arrived.callbacks:
            arrived, self.arrived = self.arrived, self.env.event()
            arrived.succeed()


class Worker:
    """One `attune run --follow`: takes chats while it has room, and writes outcomes as they come."""

    def __init__(self, queue: Queue) -> None:
        self._queue, self._env, self._cap = queue, queue.env, queue.service.in_flight
        self.open = 0
        self.stopping = False
        self._pool: deque[_Job] = deque()
        self._running: list[tuple[float, int, _Job]] = []
        self._served = self._since_s = 0.0
        self._timer = self._order = 0
        self._done: list[_Job] = []
        self._room: Event | None = None
        queue.env.process(self._take())

    def stop(self) -> None:
        """Takes no more, and gives back what has not begun."""
        self.stopping = True
        self.open -= len(self._pool)
        self._queue.give_back(reversed(self._pool))
        self._pool.clear()

    def _take(self) -> _Steps:
        waiting = self._queue.waiting
        while not self.stopping:
            if self.open > 2 * self._cap:
                self._room = self._env.event()
                yield self._room
            elif not waiting:
                yield self._queue.arrived
                yield self._env.timeout(self._queue.chance.uniform(0.0, POLL_S))
            else:
                jobs = [waiting.popleft() for _ in range(min(self._cap, len(waiting)))]
                self.open += len(jobs)
                self._pool.extend(jobs)
                self._advance()

    def _advance(self) -> None:
        """Serves the running ones up to now, ends those that are done, begins others, sets the next end."""
        running = self._running
        if running:
            speed = self._queue.speeds[len(running)] / len(running)
            self._served += (self._env.now - self._since_s) * speed
        self._since_s = self._env.now
        while running and running[0][0] <= self._served + 1e-9:
            self._end(heapq.heappop(running)[2])
        while self._pool and len(running) < self._cap:
            job = self._pool.popleft()
            self._order += 1
            heapq.heappush(running, (self._served + job.work_s, self._order, job))
        self._timer += 1
        if running:
            speed = self._queue.speeds[len(running)] / len(running)
            self._after((running[0][0] - self._served) / speed, self._timer)

    def _after(self, seconds: float, timer: int) -> None:
        """Goes on then, unless something else happened before."""
        due = self._env.timeout(max(0.0, seconds))
        due.callbacks.append(partial(self._due, timer))

    def _due(self, timer: int, _: Event) -> None:
        if timer == self._timer:
            self._advance()

    def _end(self, job: _Job) -> None:
        self._done.append(job)
        if len(self._done) == 1:
            self._env.timeout(LINGER_S).callbacks.append(partial(self._write, job))
        elif len(self._done) == self._cap:
            self._write(self._done[0])

    def _write(self, first: _Job, _: Event | None = None) -> None:
        if not self._done or self._done[0] is not first:
            return  # written before, since there were many
        result = self._queue.result
        for job in self._done:
            seconds = self._env.now - job.came_s
            result.outcome_s.append(seconds)
            if job.drafted:
                result.draft_s.append(seconds)
        self.open -= len(self._done)
        self._done = []
        if self._room is not None and self.open <= 2 * self._cap:
            room, self._room = self._room, None
            room.succeed()


def simulate(service: Service, times: Iterable[float], workers: int, seed: int = 1) -> Result:
    """Chats that come at `times`, read by so many workers from beginning to end."""
    env = Environment()
    queue = Queue(env, service, random.Random(seed))
    queue.workers = [Worker(queue) for _ in range(workers)]
    queue.result.workers.append((0.0, workers))
    env.run(env.process(queue.arrive(times)))
    return queue.result
