"""Refusals: every error that a client is told, in one shape and in words."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from attune import openai
from attune.errors import AttuneError, BadRequest, EngineError, StoreError

log = logging.getLogger(__name__)


class Told(BaseModel):
    """What went wrong, in words, and what a program can tell it by."""

    message: str
    type: str
    param: str | None
    code: str | None


class Error(BaseModel):
    """The body of every answer that is no 2xx."""

    error: Told


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Error, "description": "Refused: the request must change, or come later."},
    "5XX": {"model": Error, "description": "Failed: the same request may succeed later."},
}
"""What every page may answer besides what it is for."""


class Refusal(HTTPException):
    """An answer that is an error. `retry_s` tells the client when to come again."""

    def __init__(self, status: int, message: str, code: str | None = None, retry_s: float = 0) -> None:
        headers = {"Retry-After": str(math.ceil(retry_s))} if retry_s else None
        super().__init__(status, message, headers)
        self.code = code

    def response(self) -> JSONResponse:
        return _response(self, self.code)


def refusal_of(error: Exception) -> Refusal:
    """How a client is told of `error`."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TimeoutError):
        return Refusal(504, "The model did not answer in time: ask for less, or raise timeout_s.", "timeout")
    if isinstance(error, StoreError):
        return Refusal(503, f"The store failed: {error}", "store_failed", retry_s=1)
    if isinstance(error, EngineError) and not isinstance(error, BadRequest):
        return Refusal(503, f"The engine failed: {error}", "engine_failed", retry_s=1)
    return Refusal(400, str(error), "bad_request")


async def on_refusal(_: Request, error: Exception) -> JSONResponse:
    """The answer to what the application or its framework refused."""
    assert isinstance(error, HTTPException)
    return _response(error, getattr(error, "code", None))


async def on_error(_: Request, error: Exception) -> JSONResponse:
    """The answer to an error of ours that has words for people."""
    assert isinstance(error, AttuneError | TimeoutError)
    return refusal_of(error).response()


async def on_invalid(_: Request, error: Exception) -> JSONResponse:
    """The answer to a body or a parameter that is not of the form the reference shows."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = _where(first["loc"])
    said = str(first["msg"]).removeprefix("Value error, ")
    return Refusal(400, f"{where}: {said}" if where else said, "bad_request").response()


async def on_fault(_: Request, error: Exception) -> JSONResponse:
    """The answer to a fault of ours: the words are in the log, not in the answer."""
    log.error("A request failed by a fault of attune", exc_info=error, extra={"action": "request_fault"})
    return Refusal(500, "A fault in attune: its log says which.", "fault").response()


def _response(error: HTTPException, code: str | None) -> JSONResponse:
    kind = "invalid_request_error" if error.status_code < 500 else "server_error"
    return JSONResponse(openai.error(str(error.detail), kind, code), error.status_code, error.headers)


def _where(place: Sequence[str | int]) -> str:
    """The field as people write it: messages[0].content."""
    named = [part for part in place if part not in ("body", "query", "path")]
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in named).lstrip(".")
