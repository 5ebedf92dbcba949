"""Workers that come and go with the queue's backlog, as KEDA and the autoscaler it drives do it."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass

from simpy import Environment, Event

from bench.capacity.queueing import Queue, Result, Worker
from bench.capacity.service import Service


@dataclass(frozen=True, slots=True)
class Scaling:
    """One worker for each `chats_per_worker` in the backlog, at least one and at most `max_workers`."""

    chats_per_worker: int
    max_workers: int
    poll_s: float
    pod_start_s: float
    cooldown_s: float

    def wanted(self, backlog: int) -> int:
        return max(1, min(self.max_workers, math.ceil(backlog / self.chats_per_worker)))


def simulate_scaled(service: Service, times: Iterable[float], scaling: Scaling, seed: int = 1) -> Result:
    """Chats that come at `times`, read by as many workers as `scaling` asks for; it begins with one."""
    env = Environment()
    queue = Queue(env, service, random.Random(seed))
    queue.workers = [Worker(queue)]
    queue.result.workers.append((0.0, 1))
    env.process(_scale(queue, scaling))
    env.run(env.process(queue.arrive(times)))
    return queue.result


def _scale(queue: Queue, scaling: Scaling) -> Generator[Event, None, None]:
    """Up at once, down to the most that was wanted within the cooldown."""
    env, ordered = queue.env, 1
    wanted_before: deque[int] = deque(maxlen=max(1, math.ceil(scaling.cooldown_s / scaling.poll_s)))
    while True:
        yield env.timeout(scaling.poll_s)
        wanted_before.append(scaling.wanted(queue.backlog))
        target = max(wanted_before) if wanted_before[-1] < ordered else wanted_before[-1]
        for _ in range(target - ordered):
            env.process(_start(queue, scaling.pod_start_s))
        for _ in range(ordered - target):
            _stop(queue)
        if target != ordered:
            ordered = target
            queue.result.workers.append((env.now, ordered))


def _start(queue: Queue, seconds: float) -> Generator[Event, None, None]:
    yield queue.env.timeout(seconds)
    queue.workers.append(Worker(queue))


def _stop(queue: Queue) -> None:
    """The youngest goes; what it has begun it finishes."""
    going = next(worker for worker in reversed(queue.workers) if not worker.stopping)
    going.stop()
