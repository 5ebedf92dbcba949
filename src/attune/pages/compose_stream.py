"""An answer as it is written: from the engine's thread to the page, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass, replace

from attune.answer import Verdict, parse
from attune.chat import Chat
from attune.errors import EngineError, Misfit
from attune.handle import Act
from attune.request import Completion, Request, Sampling
from attune.task import Task

_BEAT_S = 2.0
_FREEDOM = 0.7


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words; `again` says that those before them were of an answer that did not fit."""

    text: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing came for a while: the model is loading, or busy with others."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    verdict: Verdict
    completion: Completion


Said = Piece | Waiting | Done


async def written(act: Act, task: Task, chat: Chat, sampling: Sampling) -> AsyncGenerator[Said]:
    """The answer to `task`, in pieces where the task is one text; asked again where it does not fit.

    To close it gives the request up. Raises EngineError and Misfit where no answer came of all tries, and
    TimeoutError.
    """
    for number in range(act.tries):
        drawn = replace(sampling, temperature=_FREEDOM, seed=number) if number else sampling
        try:
            async with aclosing(_once(act, task.request(chat, drawn), task.plain)) as coming:
                async for said in coming:
                    yield Done(parse(task, said.text, chat), said) if isinstance(said, Completion) else said
        except (EngineError, Misfit):
            if number == act.tries - 1:
                raise
            yield Piece("", again=True)
        else:
            return


async def _once(act: Act, request: Request, pieces: bool) -> AsyncGenerator[Piece | Waiting | Completion]:
    loop = asyncio.get_running_loop()
    coming: asyncio.Queue[str | Future[Completion]] = asyncio.Queue()

    def put(said: str | Future[Completion]) -> None:
        loop.call_soon_threadsafe(coming.put_nowait, said)

    began, until = loop.time(), loop.time() + act.timeout_s
    future = act.engine.submit(replace(request, written=put) if pieces else request)
    future.add_done_callback(put)
    try:
        while True:
            try:
                said = await asyncio.wait_for(coming.get(), min(_BEAT_S, until - loop.time()))
            except TimeoutError:
                if loop.time() >= until:
                    raise
                yield Waiting(loop.time() - began)
                continue
            if isinstance(said, str):
                yield Piece(said)
            else:
                yield _answered(said)
                return
    finally:
        future.cancel()


def _answered(future: Future[Completion]) -> Completion:
    """Raises EngineError for whatever an engine ends in: it may be anybody's code."""
    try:
        return future.result()
    except EngineError:
        raise
    except Exception as error:
        raise EngineError(f"{type(error).__name__}: {error}") from error
