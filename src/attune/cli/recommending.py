"""What the model inside does on this machine, measured as it is used."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

from attune import connect
from attune.chat import Chat, parse_chat
from attune.engines.paged.engine import PagedEngine
from attune.errors import BadChat
from attune.handle import Act, handle
from attune.models.expected import IN_FLIGHT, Measured

_WARM_S = 1.0


def measured(seconds: float) -> Measured:
    """Handles the sample chats for `seconds` by the model inside, IN_FLIGHT at once, none of them twice."""
    engine = connect.engine("pocket")
    assert isinstance(engine, PagedEngine)
    with closing(engine):
        act, chats = Act(connect.task("triage", "pocket"), engine), _unread()
        _through(chats, act, min(_WARM_S, seconds))
        before, began = engine.stats().fed_tokens, time.monotonic()
        done = _through(chats, act, seconds)
        took = time.monotonic() - began
        return Measured(done / took, (engine.stats().fed_tokens - before) / done)


def _through(chats: Iterator[Chat], act: Act, seconds: float) -> int:
    """How many chats were handled; the last of them end after `seconds`."""
    lock, until = threading.Lock(), time.monotonic() + seconds

    def work() -> int:
        done = 0
        while not done or time.monotonic() < until:
            with lock:
                chat = next(chats)
            handle(chat, act)
            done += 1
        return done

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        return sum(worker.result() for worker in [pool.submit(work) for _ in range(IN_FLIGHT)])


def _unread() -> Iterator[Chat]:
    """The sample chats again and again, each time with a number before it, which no cache has seen."""
    for turn in itertools.count():
        for line in connect.SAMPLES.read_bytes().splitlines():
            try:
                chat = parse_chat(line)
            except BadChat:
                continue
            first, *others = chat.turns
            yield replace(chat, turns=(replace(first, text=f"{turn}: {first.text}"), *others))
