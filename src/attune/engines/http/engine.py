"""The engine: requests from any thread, one thread with an event loop that has all of them out."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from typing import Any

from attune.decode.fit import shorten
from attune.engines import failed, refused
from attune.engines.http.answer import Answer, Garbled
from attune.engines.http.body import OPTIONAL, body, path
from attune.engines.http.exchange import Exchange, Refused, Setback, look_up
from attune.engines.http.gate import LONGEST_PAUSE_S, Budget, Gate, backoff_s
from attune.engines.http.server import Server
from attune.engines.loop import Loop
from attune.request import Completion, Request

log = logging.getLogger(__name__)
_TRIES = 5
_SHORTER = 0.75
"""A chat for which the context has no room loses a quarter of its letters, from its middle, and again."""


class HTTPEngine:
    """Asks a server with OpenAI's API, as many requests at once as it bears (see `Gate`).

    What fails on the way is tried again, with jitter, five times at most and within a budget; a server that
    counts requests (429) is waited for. A request whose future is cancelled closes its connection. What the
    server does not know of `OPTIONAL` is left out from then on, and that is logged once.

    Raises EngineError when there is no such server or model, or the key is wrong: the message says which.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._model, self._dialect = look_up(server)
        self._gate, self._budget = Gate(server.concurrency), Budget()
        self._without: frozenset[str] = frozenset()
        self._taken: set[str] = set()
        self._exchange = Exchange(server)
        self._loop = Loop(self._model, self._exchange.close)

    @property
    def model(self) -> str:
        return self._model

    @property
    def lacks(self) -> frozenset[str]:
        return self._dialect.lacks

    def submit(self, request: Request) -> Future[Completion]:
        """Makes what is sent in the caller's thread; a request that cannot be gets a failed future."""
        if (refusal := refused(request, self.lacks, self._model)) is not None:
            return failed(refusal)
        try:
            self._body(request, request.prompt.lines, self._without)
        except Exception as error:  # noqa: BLE001 - the boundary: a bad request fails alone
            return failed(error)
        return self._loop.submit(lambda: self._completed(request))

    def close(self) -> None:
        self._loop.close()

    async def _completed(self, request: Request) -> Completion:
        answer, without = Answer(request), self._without
        lines, dropped, tries = request.prompt.lines, 0, 0
        while True:
            sent = self._body(request, lines, without)
            since = await self._gate.enter()
            try:
                wait_s = await self._exchange.ask(path(request), sent, answer)
                completion = answer.completion(self._model, dropped)
            except Refused as refusal:
                wait_s = 0.0
                if unknown := _unknown(refusal) & sent.keys():
                    without |= unknown
                    self._learn(unknown, refusal)
                else:
                    lines, dropped = _shorter(lines, request, refusal)
            except (Setback, Garbled) as error:
                tries += not (isinstance(error, Setback) and error.limited)
                wait_s = self._again_in(error, since, tries, answer)
            else:
                self._taken |= OPTIONAL & sent.keys()
                self._gate.answered()
                self._gate.pause(min(wait_s, LONGEST_PAUSE_S))
                self._budget.answered()
                return completion
            finally:
                self._gate.leave()
            await asyncio.sleep(wait_s)

    def _body(self, request: Request, lines: tuple[str, ...], without: frozenset[str]) -> dict[str, Any]:
        return body(request, lines, self._model, self._dialect, without)

    def _learn(self, unknown: set[str], refusal: Refused) -> None:
        """Leaves out from now on what the server never took: else the fault is with this one request."""
        if unknown & self._taken or unknown <= self._without:
            return
        self._without |= unknown
        log.warning(
            "The server does not take %s, and is asked without: %s",
            ", ".join(sorted(unknown)),
            refusal,
            extra={"action": "engine_without"},
        )

    def _again_in(self, error: Setback | Garbled, since: float, tries: int, answer: Answer) -> float:
        """In how many seconds to try again. Raises `error` where that is not to be."""
        wait_s = 0.0
        limited = False
        if isinstance(error, Setback):
            wait_s, limited = error.wait_s, error.limited
            if error.congested:
                self._gate.congested(since)
        left = limited or (self._budget.failed() and tries < _TRIES)
        if not left or not answer.again() or wait_s > LONGEST_PAUSE_S:
            raise error
        self._gate.pause(wait_s)
        return backoff_s(tries)


def _unknown(refusal: Refused) -> set[str]:
    """What of OPTIONAL the server's words are about."""
    said = str(refusal).lower()  # Gemini: Logprobs is not enabled for …; Unknown name … response_schema
    words = {name: name for name in OPTIONAL} | {"top_logprobs": "logprobs", "response_format": "schema"}
    return {name for name, word in words.items() if name in said or word in said}


def _shorter(lines: tuple[str, ...], request: Request, refusal: Refused) -> tuple[tuple[str, ...], int]:
    """Less of the chat's lines, and how many of all are left out. Raises `refusal` where that is no help."""
    letters = sum(map(len, lines)) + len(lines)
    kept, dropped = shorten(request.prompt.lines, int(letters * _SHORTER))
    if not refusal.too_long or not lines or tuple(kept) == lines:
        raise refusal
    return tuple(kept), dropped
