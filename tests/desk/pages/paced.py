"""A model that writes a word at a time, as real ones do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from attune.arms import Arm, Split
from attune.request import Completion, Request
from attune.serving import Asking, Engines, Serving


class PacedEngine:
    """Writes what `answer` says, a word every `pause_s`; stops at a word where the request is given up."""

    lacks: frozenset[str] = frozenset()

    def __init__(self, answer: Callable[[Request], str], pause_s: float = 0.02, model: str = "paced") -> None:
        self._answer, self._pause_s, self.model = answer, pause_s, model
        self.given_up = threading.Event()

    def submit(self, request: Request) -> Future[Completion]:
        future: Future[Completion] = Future()
        threading.Thread(target=self._write, args=(request, future), daemon=True).start()
        return future

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, request: Request, future: Future[Completion]) -> None:
        text = self._answer(request)
        for word in text.split(" "):
            if future.cancelled():
                self.given_up.set()
                return
            if request.written is not None:
                request.written(f"{word} ")
            time.sleep(self._pause_s)
        if future.set_running_or_notify_cancel():
            future.set_result(Completion(text, self.model, output_tokens=len(text.split())))


def two_arms(answer: Callable[[Request], str], pause_s: float = 0.0) -> Serving:
    """The arms base, and b with a tenth of the chats: each begins its answers with the name of its model."""

    def load(address: str) -> PacedEngine:
        model = address.partition(":")[2]
        return PacedEngine(lambda request: f"{model}: {answer(request)}", pause_s, model)

    arms = (Arm("scripted:small", weight=0.9), Arm("scripted:tuned", name="b", weight=0.1))
    return Serving(Split(arms), Asking(timeout_s=20), Engines(load))
