"""The gate: what every request must pass before a page sees it, and the line that the log gets of it."""

from __future__ import annotations

import asyncio
import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from attune.serve.bounds import Bounds
from attune.serve.keys import Keys
from attune.serve.refusal import Refusal
from attune.serve.traffic import Traffic

log = logging.getLogger(__name__)

OPEN = ("/healthz", "/readyz", "/ping")
"""Pages for those who watch over the process: without a key, and while it drains or is full."""
LOCAL = ("localhost", "127.0.0.1", "[::1]")
_FILES = "/v1/files"
_TEXT = {"/invocations": ("application/x-text",), _FILES: ("multipart/form-data",)}
"""Pages that take something besides JSON."""
_RETRY_S = 1.0


class Gate:
    """Middleware that refuses early and cheaply; see `_check` for what.

    `local` is whether the service is bound to this machine alone: the host that a browser believes to
    talk to must then be this machine too, or a page of somebody else's could reach the service by a name
    of its own that leads here.
    """

    def __init__(self, app: ASGIApp, bounds: Bounds, keys: Keys, traffic: Traffic, local: bool) -> None:
        self._app, self._bounds, self._keys, self._traffic, self._local = app, bounds, keys, traffic, local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answer = time.monotonic(), _Answer(send)
        try:
            self._check(scope)
        except Refusal as refusal:
            await refusal.response()(scope, receive, answer.send)
        else:
            with self._traffic.entered():
                body = _Body(receive, _most(scope, self._bounds), self._bounds.body_timeout_s)
                await self._app(scope, body.receive, answer.send)
        self._note(scope, answer.status, time.monotonic() - began)

    def _check(self, scope: Scope) -> None:
        """Raises a Refusal for a request that no page is to see."""
        headers = Headers(scope=scope)
        if self._local:
            _check_host(headers.get("host", ""))
        _check_origin(headers)
        if scope["path"] in OPEN:
            return
        if self._keys and not self._keys.open_to(headers.get("authorization", "")):
            raise Refusal(401, "An API key is needed: Authorization: Bearer KEY", "invalid_api_key")
        if self._traffic.draining:
            raise Refusal(503, "The service is stopping: ask again soon.", "draining", retry_s=_RETRY_S)
        if self._traffic.in_flight >= self._bounds.max_requests:
            why = f"{self._bounds.max_requests} requests are being answered, no more are taken (max_requests)"
            raise Refusal(429, why, "too_many_requests", retry_s=_RETRY_S)
        _check_body(scope, headers, _most(scope, self._bounds))

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The path as the page declares it: in the one that was asked for a customer's words may stand.
        route = getattr(scope.get("route"), "path", "none")
        self._traffic.count(route, status, seconds)
        facts = {"method": scope["method"], "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("A request was answered", extra={"action": "request", **facts})


class _Answer:
    """Sends, and remembers the status; 499, as proxies say, where the client was gone before."""

    def __init__(self, send: Send) -> None:
        self.status = 499
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


class _Body:
    """Receives a body that is not too long and does not take too long."""

    def __init__(self, receive: Receive, most: int, timeout_s: float) -> None:
        self._receive, self._most, self._timeout_s = receive, most, timeout_s
        self._size, self._ended = 0, False
        self._until = time.monotonic() + timeout_s

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()  # whether the client goes away: that may take as long as it likes
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError as error:
            why = f"the body did not come within {self._timeout_s:g} s (body_timeout_s)"
            raise Refusal(408, why, "body_timeout") from error
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            raise _too_long(self._most)
        self._ended = not message.get("more_body", False)
        return message


def _check_host(host: str) -> None:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    if name.lower() not in LOCAL:
        raise Refusal(421, "The service answers to localhost and 127.0.0.1 alone: see --host", "wrong_host")


def _check_origin(headers: Headers) -> None:
    """A browser says which page a request comes from: one of another site is refused."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        raise Refusal(403, "A page of another site cannot use this service.", "cross_site")


def _check_body(scope: Scope, headers: Headers, most: int) -> None:
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > most:
        raise _too_long(most)
    if scope["method"] != "POST" or (length == "0" and "transfer-encoding" not in headers):
        return
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", *_TEXT.get(scope["path"], ())):
        raise Refusal(415, "The body must be JSON: Content-Type: application/json", "wrong_content_type")


def _most(scope: Scope, bounds: Bounds) -> int:
    return bounds.max_file_bytes if scope["path"] == _FILES else bounds.max_body_bytes


def _too_long(most: int) -> Refusal:
    return Refusal(413, f"The body is longer than {most:,} bytes", "body_too_long")
