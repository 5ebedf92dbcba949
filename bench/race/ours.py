"""attune's engine in the race: the same questions, answered by slots, or "plain", token by token."""

from __future__ import annotations

import queue
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Literal

from attune.engines.openvino import OpenVINOEngine
from attune.request import Completion, Request
from bench.race.chats import POCKET, SHAPE, questions
from bench.race.steps import Steps
from bench.race.work import WARM, Given, Progress, Result, given, say

Pair = tuple[Request, Request | None]
Event = tuple[Literal["known", "triage", "reply"], int, float, Completion | None]


@dataclass
class Loop:
    """Asks each chat's triage when it arrives, and its reply as soon as the sentiment is known."""

    engine: OpenVINOEngine
    pairs: list[Pair]
    arrivals: list[float]
    result: Result
    events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    texts: dict[tuple[int, str], Completion] = field(default_factory=dict)

    def run(self, plain: bool) -> None:
        progress = Progress(len(self.pairs))
        began = time.perf_counter()
        left = [2 if reply else 1 for _, reply in self.pairs]
        self.result.sentiment_s = [0.0] * len(left)
        self.result.answer_s = [0.0] * len(left)
        coming = 0
        while any(left):
            if coming < len(left) and time.perf_counter() - began >= self.arrivals[coming]:
                self._triage(coming, plain)
                coming += 1
                continue
            try:
                wait = self.arrivals[coming] - (time.perf_counter() - began) if coming < len(left) else None
                kind, number, at, completion = self.events.get(timeout=max(0.0, wait) if wait else wait)
            except queue.Empty:
                continue
            since = at - began - self.arrivals[number]
            reply = self.pairs[number][1]
            if kind == ("triage" if plain else "known") and reply:
                self._ask(reply, number, "reply")
            if kind == "known":
                self.result.sentiment_s[number] = since
                continue
            assert completion is not None
            self.texts[number, kind] = completion
            self.result.answer_s[number] = max(self.result.answer_s[number], since)
            left[number] -= 1
            if not left[number]:
                progress.step()
        self.result.seconds = time.perf_counter() - began

    def _triage(self, number: int, plain: bool) -> None:
        request = self.pairs[number][0]
        if not plain:
            known = lambda *_: self.events.put(("known", number, time.perf_counter(), None))  # noqa: E731
            request = replace(request, known=known)
        self._ask(request, number, "triage")

    def _ask(self, request: Request, number: int, kind: Literal["triage", "reply"]) -> None:
        def done(future: Future[Completion]) -> None:
            self.events.put((kind, number, time.perf_counter(), future.result()))

        self.engine.submit(request).add_done_callback(done)


def main(asked: Given) -> None:
    began = time.perf_counter()
    engine = OpenVINOEngine(asked.model)
    result = Result(load_s=time.perf_counter() - began, version=version("attune"), setting="defaults")
    model = SHAPE if SHAPE in str(asked.model) else POCKET
    plain = asked.way == "plain"
    pairs = questions(model, len(asked.jobs), engine._tokens, asked.way)  # noqa: SLF001
    Loop(engine, pairs[:WARM], [0.0] * WARM, Result()).run(plain)
    steps = Steps(engine)
    loop = Loop(engine, pairs[WARM:][: len(asked.jobs)], asked.arrivals, result)
    loop.run(plain)
    result.early = sum(completion.finish == "stop" for (_, kind), completion in loop.texts.items())
    result.extra = steps.summary(result.seconds)
    result.decoded = int(result.extra["decoded"])
    engine.close()
    say(result, asked)


if __name__ == "__main__":
    main(given())
