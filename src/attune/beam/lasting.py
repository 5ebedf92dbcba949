"""An engine that outlasts its own death: what no longer answers is loaded anew, and nothing stops."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum, auto
from functools import partial

from attune import prompt
from attune.chat import Chat, Role, Turn
from attune.engines import Engine
from attune.errors import AttuneError, EngineError
from attune.request import Choice, Completion, Request

log = logging.getLogger(__name__)

_CHAT = Chat("probe", "probe", (Turn(Role.CUSTOMER, "Hello."),))
_PROBE = Request(
    prompt.build("Answer in one word.", _CHAT, "Is this a greeting?"),
    (Choice("greeting", (' "yes".', ' "no".')),),
    task="probe",
)


class _State(Enum):
    WELL = auto()
    SUSPECT = auto()
    LOADING = auto()


class LastingEngine:
    """Keeps the port of an engine over one that may die or hang.

    A request that fails, or is given up, makes the engine suspect: it is asked a short question, and one
    that has no answer within `patience_s` is closed and loaded anew. Meanwhile second tries wait, and while
    a new one loads all requests do: what was with the dead engine costs its chat one try, and no more.
    """

    def __init__(self, load: Callable[[], Engine], patience_s: float = 30.0) -> None:
        self._load, self._patience_s = load, patience_s
        self._engine = load()
        self._state = _State.WELL
        self._held: list[tuple[Request, Future[Completion]]] = []
        self._lock = threading.Lock()
        self._closed = False
        self.replaced = 0
        """How often a new engine took over."""

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def lacks(self) -> frozenset[str]:
        return self._engine.lacks

    def submit(self, request: Request) -> Future[Completion]:
        with self._lock:
            if not self._closed and self._must_wait(request):
                waiting: Future[Completion] = Future()
                self._held.append((request, waiting))
                return waiting
            engine = self._engine
        future = engine.submit(request)
        future.add_done_callback(partial(self._judge, engine))
        return future

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._let_go()
        self._engine.close()

    def _must_wait(self, request: Request) -> bool:
        # First tries go on: the suspicion may be wrong, as it is of a chat on which any engine fails.
        second = bool(request.sampling.seed)
        return self._state is _State.LOADING or (self._state is _State.SUSPECT and second)

    def _judge(self, engine: Engine, future: Future[Completion]) -> None:
        if not future.cancelled() and future.exception() is None:
            return
        with self._lock:
            if self._closed or engine is not self._engine or self._state is not _State.WELL:
                return
            self._state = _State.SUSPECT
        threading.Thread(target=self._examine, args=(engine,), name="attune-examine", daemon=True).start()

    def _examine(self, engine: Engine) -> None:
        try:
            engine.submit(_PROBE).result(timeout=self._patience_s)
        except Exception as error:  # noqa: BLE001 - an engine may be anybody's code, and die of anything
            self._replace(engine, error)
        self._let_go()

    def _replace(self, dead: Engine, error: Exception) -> None:
        why = str(error) or f"no answer within {self._patience_s:g} s"
        log.warning("The engine is loaded anew: %s", why, extra={"action": "engine_replaced"})
        with self._lock:
            self._state = _State.LOADING
        # One that hangs may hang in its close too.
        threading.Thread(target=dead.close, name="attune-bury", daemon=True).start()
        try:
            engine = self._load()
        except AttuneError as fault:
            # The dead one stays, and says so: whoever asks next makes it suspect, and it is tried again.
            log.error("No new engine: %s", fault, extra={"action": "engine_lost"})  # noqa: TRY400
            return
        with self._lock:
            self._engine, self.replaced = engine, self.replaced + 1
            closed = self._closed
        if closed:
            engine.close()

    def _let_go(self) -> None:
        with self._lock:
            self._state = _State.WELL
            held, self._held = self._held, []
        for request, waiting in held:
            if not waiting.cancelled():
                _join(self.submit(request), waiting)


def _join(inner: Future[Completion], outer: Future[Completion]) -> None:
    """Ends `outer` as `inner` ends, and cancels `inner` when `outer` is given up."""

    def end(_: Future[Completion]) -> None:
        if not outer.set_running_or_notify_cancel():
            return
        error = EngineError("the engine gave the request up") if inner.cancelled() else inner.exception()
        if error is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    outer.add_done_callback(lambda ended: inner.cancel() if ended.cancelled() else None)
    inner.add_done_callback(end)
