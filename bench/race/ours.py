"""attune in the race, by the engine at any address: slots as its own commands ask them."""

from __future__ import annotations

import queue
from concurrent.futures import Future
from importlib.metadata import version

from attune import connect
from attune.engines import Engine
from attune.engines.paged import PagedEngine
from attune.request import Completion
from bench.race.chats import POCKET, SHAPE, Asked, questions
from bench.race.loops import in_flight
from bench.race.work import Given, Key, Question, Result, given, say

IN_FLIGHT = 64


class Ours:
    def __init__(self, engine: Engine, asked: list[Asked]) -> None:
        self._engine, self._asked = engine, asked
        self._done: queue.SimpleQueue[tuple[Key, Future[Completion]]] = queue.SimpleQueue()

    def add(self, key: Key, question: Question) -> None:
        number, reply = key
        request = self._asked[number].reply if reply else self._asked[number].triage
        assert request is not None
        self._engine.submit(request).add_done_callback(lambda future: self._done.put((key, future)))

    def step(self) -> list[tuple[Key, str, int]]:
        key, future = self._done.get()
        return [(key, future.result().text, future.result().output_tokens)]


def main(asked: Given) -> None:
    engine = connect.engine(asked.model)
    result = Result(version=version("attune"), setting="defaults")
    most = max(job.number for job in [*asked.warm, *asked.jobs]) + 1
    model = SHAPE if f"/{SHAPE}/" in asked.model else POCKET
    in_flight(Ours(engine, questions(model, most)), asked, IN_FLIGHT, result)
    if isinstance(engine, PagedEngine):
        stats = engine.stats()
        result.extra = {"hit_rate": stats.hit_rate, "infer_s": stats.infer_s, "step_s": stats.step_s}
    engine.close()
    say(result)


if __name__ == "__main__":
    main(given())
