"""The port every engine implements: text in, text out, many requests in flight."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Protocol

from attune.errors import BadRequest, EngineError
from attune.request import Completion, Request, Sampling


class Engine(Protocol):
    """Runs a model.

    `submit` may be called from any thread, never blocks on the model and never raises; requests in
    flight share one running batch. The future ends in a Completion or an EngineError, in any order
    across requests, and a request whose future is cancelled gives up its place. `close` lets nothing
    new in, ends what is in flight with an EngineError, and may be called twice.
    """

    @property
    def model(self) -> str:
        """The model's id, as it is written on every row it made."""

    @property
    def lacks(self) -> frozenset[str]:
        """The settings of Sampling that this engine does not have: a request that sets one is refused."""

    def submit(self, request: Request) -> Future[Completion]: ...

    def close(self) -> None: ...


def refused(request: Request, lacks: frozenset[str], engine: str) -> BadRequest | None:
    """Why an engine that `lacks` these settings cannot run `request`, in words; None if it can."""
    plain = Sampling()
    asked = [name for name in sorted(lacks) if getattr(request.sampling, name) != getattr(plain, name)]
    if not asked:
        return None
    return BadRequest(f"The engine {engine} has no {', '.join(asked)}: leave it out or take another.")


def as_engine_error(error: Exception) -> EngineError:
    """What a request ends in that met `error`: an EngineError as it is, anything else as the cause of one."""
    if isinstance(error, EngineError):
        return error
    wrapped = EngineError(f"The engine failed on this request: {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def failed(error: Exception) -> Future[Completion]:
    """The future of a request that met `error` before it could be queued."""
    future: Future[Completion] = Future()
    future.set_exception(as_engine_error(error))
    return future


def closed() -> EngineError:
    """What requests end in that an engine had not answered when it was closed."""
    return EngineError("The engine was closed before it answered. Ask again once it runs.")


BEAMS = frozenset({"num_beams", "length_penalty", "early_stopping"})
"""The settings of beam search, which an engine that batches continuously does not have."""


def submit_many(engine: Engine, request: Request, n: int) -> list[Future[Completion]]:
    """Asks `request` `n` times, with the seeds `seed` … `seed`+n-1 of its sampling, in that order; without
    a seed each draws on its own.

    They share one prompt, which an engine with a prefix cache reads once. At temperature 0 all are equal.
    """
    first = request.sampling
    seeds = [None] * n if first.seed is None else range(first.seed, first.seed + n)
    return [engine.submit(replace(request, sampling=replace(first, seed=seed))) for seed in seeds]
