"""Measures one worker on this machine: the real engine, the real act, the real queue."""

from __future__ import annotations

import itertools
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from attune import connect
from attune.chat import Chat
from attune.feed import identify
from attune.handle import Act, handle
from attune.limits import Limits
from attune.outcome import Outcome, Place
from attune.settling import Counts
from attune.store import Store
from attune.stream import run
from bench import report
from bench.capacity.service import Case, Service
from bench.pipeline import sample, unread

IN_FLIGHT = (1, 2, 4, 8, 16, 32)
LOADS = (0.5, 0.8)
_MAX_BYTES = 8_000_000


def measure(engine: str, point_s: float, case_s: float) -> Service:
    """`point_s` seconds for each point of the curve, `case_s` for each case: a worker on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    began = time.monotonic()
    act = Act(connect.task("triage", engine), connect.engine(engine))
    chats = _endless()
    handle(next(chats), act)
    load_s = time.monotonic() - began
    _together(chats, act, max(IN_FLIGHT), min(3.0, point_s))
    points = {n: _together(chats, act, n, point_s) for n in IN_FLIGHT}
    curve = {n: rate for n, (rate, _) in points.items()}
    _, alone = points[1]
    cases = tuple(_case(chats, act, load, load * max(curve.values()), case_s) for load in LOADS)
    act.engine.close()
    return Service(
        machine=report.machine(),
        date=datetime.now(UTC).date().isoformat(),
        cores=1,
        model=act.engine.model,
        load_s=round(load_s, 2),
        triage_s=_rounded(each.total_s for each in alone if each.place is Place.TABLE),
        draft_s=_rounded(each.total_s for each in alone if each.place is Place.REVIEW),
        curve={n: round(rate, 2) for n, rate in curve.items()},
        cases=cases,
    )


def _endless() -> Iterator[Chat]:
    """The sample chats again and again, each time with a beginning that no cache has seen."""
    chats = sample(209)
    for turn in itertools.count():
        order = random.Random(turn).sample(chats, len(chats))
        yield from (
            replace(chat, id=f"{turn}-{chat.id}")
            for chat in unread(order, f"{time.time_ns() % 10**9}-{turn}-")
        )


def _together(chats: Iterator[Chat], act: Act, n: int, seconds: float) -> tuple[float, list[Outcome]]:
    """Chats a second with `n` always in flight, and their outcomes."""
    lock, ended = threading.Lock(), list[tuple[float, Outcome]]()
    began = time.monotonic()

    def work() -> None:
        while time.monotonic() - began < seconds:
            with lock:
                chat = next(chats)
            outcome = handle(chat, act)
            ended.append((time.monotonic() - began, outcome))

    with ThreadPoolExecutor(n) as pool:
        for done in [pool.submit(work) for _ in range(n)]:
            done.result()
    # While the last ones end there are fewer than n in flight.
    within = [end_s for end_s, _ in ended if end_s < seconds]
    return len(within) / max(within), [outcome for _, outcome in ended]


def _case(chats: Iterator[Chat], act: Act, load: float, per_s: float, seconds: float) -> Case:
    """Chats come to the queue by chance, `per_s` a second, while a run works through it."""
    chance, stop = random.Random(5), threading.Event()
    came: dict[str, float] = {}
    ended: list[tuple[str, Place, float]] = []

    def watch(outcomes: Sequence[Outcome], _: Counts) -> None:
        now = time.monotonic()
        ended.extend((each.key, each.place, now) for each in outcomes)

    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "attune.db") as store:
        limits = Limits(in_flight=max(IN_FLIGHT))
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(run, None, store, act, limits, follow=True, stop=stop, watch=watch)
            due = time.monotonic() + 0.5
            for chat in itertools.islice(chats, int(per_s * seconds)):
                due += chance.expovariate(per_s)
                time.sleep(max(0.0, due - time.monotonic()))
                came[chat.id] = time.monotonic()
                raw = json.dumps(chat.to_json()).encode()
                store.enqueue([identify(raw, f"bench:{chat.id}", _MAX_BYTES)])
            while store.waiting():
                time.sleep(0.1)
            stop.set()
            running.result()
    times = [now - came[key] for key, _, now in ended]
    drafts = [now - came[key] for key, place, now in ended if place is Place.REVIEW]
    return Case(load, round(per_s, 2), len(times), len(drafts), percentiles(times), percentiles(drafts))


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th of a hundred."""
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return round(cuts[49], 3), round(cuts[98], 3)


def _rounded(times: Iterator[float]) -> tuple[float, ...]:
    return tuple(round(each, 4) for each in times)
