"""One request over HTTP and its answer, and every way in which that fails, in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from attune.address import load
from attune.engines.http.answer import Answer, Garbled
from attune.engines.http.gate import asked_s
from attune.engines.http.server import DIALECTS, Dialect, Server
from attune.errors import BadRequest, EngineError, told

_MOST_BYTES = 16_000_000
_KEEP_S = 4.0
"""Idle connections are closed before the server's 5 s (uvicorn's) are over: it would close one just used."""
_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_NO_ROOM = frozenset({429, 503, 529})
_TOO_LONG = ("context", "too long", "longer than", "input token", "exceed", "room for")


class Setback(EngineError):
    """A failure that may not come again. `congested` if for want of room, `wait_s` as the server asks."""

    def __init__(
        self, message: str, congested: bool = False, wait_s: float = 0.0, limited: bool = False
    ) -> None:
        super().__init__(message)
        self.congested = congested
        self.wait_s = wait_s
        self.limited = limited
        """Whether the server just counts requests (429): it is well, and no failure of it."""


class Refused(BadRequest):
    """What the server will not do however often it is asked."""

    @property
    def too_long(self) -> bool:
        """Whether the prompt had no place in the model's context, by the words of the servers we know."""
        said = str(self).lower()
        return "token" in said and any(words in said for words in _TOO_LONG)


class Exchange:
    """The connections to `server`, kept open and shared. To be used in one event loop."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._httpx = load("httpx2", "http")
        timeout = self._httpx.Timeout(server.read_s, connect=server.connect_s, pool=None)
        limits = self._httpx.Limits(max_keepalive_connections=server.concurrency, keepalive_expiry=_KEEP_S)
        self._client = self._httpx.AsyncClient(timeout=timeout, limits=limits, headers=_headers(server))

    async def ask(self, path: str, body: Mapping[str, Any], answer: Answer) -> float:
        """Adds to `answer` what the server answers to `body`; for how long it then wants no more requests.

        Raises Setback, Garbled, Refused, and EngineError for what no other try would mend.
        """
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        asked = self._client.stream("POST", f"{self._server.url}/{path}", content=content)
        try:
            async with asyncio.timeout(self._server.total_s), asked as response:
                if response.status_code != 200:
                    raise self._refusal(response.status_code, await _read(response), response.headers)
                if response.headers.get("content-type", "").startswith("text/event-stream"):
                    await self._listen(response, answer)
                else:
                    answer.add(_json(await _read(response)))
                return asked_s(response.headers)
        except (self._httpx.ConnectError, self._httpx.ConnectTimeout) as error:
            raise Setback(
                f"{self._server.url}: no connection: {told(error)}. Is the server running?"
            ) from error
        except (self._httpx.TimeoutException, TimeoutError) as error:
            raise Setback(
                f"{self._server.url} did not answer in time: {told(error)}", congested=True
            ) from error
        except self._httpx.HTTPError as error:
            raise Setback(f"{self._server.url}: the answer was cut off: {told(error)}") from error

    async def close(self) -> None:
        await self._client.aclose()

    async def _listen(self, response: Any, answer: Answer) -> None:
        size = 0
        async for event in self._httpx.EventSource(response):
            size += len(event.data)
            _check_size(size)
            if event.data == "[DONE]":
                continue  # not the end of the body, which must be read for the connection to be of use again
            part = _json(event.data)
            if isinstance(part, dict) and "error" in part:
                raise Setback(self._server.redacted(f"{self._server.url} broke off: {_words(part)}"))
            answer.add(part)

    def _refusal(self, status: int, body: bytes, headers: Mapping[str, str]) -> EngineError:
        server = self._server
        said = server.redacted(_words(_try_json(body)) or body.decode("utf-8", "replace"))
        what = f"{server.url} answered {status}: {said}"
        if status in (401, 403):
            return EngineError(f"{what} ({_about_key(server)})")
        if status in _TRANSIENT:
            return Setback(what, status in _NO_ROOM, asked_s(headers), limited=status == 429)
        return Refused(what) if status in (400, 413, 422) else EngineError(what)


def look_up(server: Server) -> tuple[str, Dialect]:
    """The model that is asked, and what its server understands, by the server's list of models.

    Raises EngineError where it cannot be reached, refuses the key, or has no such model.
    """
    httpx = load("httpx2", "http")
    url = f"{server.url}/models"
    try:
        response = httpx.get(
            url, headers=_headers(server), timeout=httpx.Timeout(30.0, connect=server.connect_s)
        )
    except httpx.HTTPError as error:
        raise EngineError(f"{url}: no answer: {told(error)}. Is the server running there?") from error
    if response.status_code in (401, 403):
        raise EngineError(f"{server.url} answered {response.status_code}: {_about_key(server)}")
    listed = _try_json(response.content)
    data = listed.get("data") if isinstance(listed, dict) else None
    if response.status_code != 200 or not isinstance(data, list):
        if server.model:  # some have no list
            return server.model, Dialect()
        raise EngineError(
            f"{url} lists no models (it answered {response.status_code}): name one, …?model=NAME"
        )
    return _chosen(server, {str(each["id"]): str(each.get("owned_by")) for each in data if _is_model(each)})


def _chosen(server: Server, owners: Mapping[str, str]) -> tuple[str, Dialect]:
    there = ", ".join(owners) or "none"
    names = [server.model, f"models/{server.model}"] if server.model else [*owners]
    found = [name for name in names if name in owners]
    if not found:
        raise EngineError(f"{server.url} has no model {server.model!r:.100}; there are: {there}"[:2000])
    if len(found) > 1 and not server.model:
        raise EngineError(
            f"{server.url} has several models: name one, …?model=NAME; there are: {there}"[:2000]
        )
    return found[0], DIALECTS.get(owners[found[0]], Dialect())


def _is_model(each: Any) -> bool:
    return isinstance(each, dict) and isinstance(each.get("id"), str)


def _headers(server: Server) -> dict[str, str]:
    key = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    return {"Content-Type": "application/json", **key}


def _about_key(server: Server) -> str:
    wrong = f"the key in {server.key_variable} is not accepted"
    return wrong if server.key else f"a key is needed: set {server.key_variable}"


async def _read(response: Any) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        _check_size(len(body))
    return bytes(body)


def _check_size(size: int) -> None:
    if size > _MOST_BYTES:
        raise EngineError(
            f"The server's answer is longer than {_MOST_BYTES:,} bytes, which no text asked for is."
        )


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"The server's answer is not JSON: {error}") from error


def _try_json(body: bytes) -> Any:
    try:
        return _json(body)
    except Garbled:
        return None


def _words(body: Any) -> str:
    """The message in an error's body, in any of the forms that are about."""
    while isinstance(body, list) and body:
        body = body[0]
    for name in ("error", "message", "detail"):
        if isinstance(body, dict) and name in body:
            return _words(body[name])
    return body if isinstance(body, str) else "" if body is None else json.dumps(body)
