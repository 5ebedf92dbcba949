"""A server of OpenAI's shape that fails as it is told to: real sockets, nothing of attune's in it."""

from __future__ import annotations

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Doing = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Faulty

    def do_GET(self) -> None:
        self.server.headers.append(dict(self.headers))
        self.say(self.server.status, {"object": "list", "data": self.server.models})

    def do_POST(self) -> None:
        size = int(self.headers["content-length"])
        self.asked: dict[str, Any] = json.loads(self.rfile.read(size))
        with self.server.lock:
            self.server.asked.append(self.asked)
            self.server.headers.append(dict(self.headers))
            doing = self.server.script.popleft() if self.server.script else self.server.else_
        doing(self)

    def say(self, status: int, body: Any, **headers: str) -> None:
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def stream(self, *events: Any) -> None:
        """Server-sent events, and then the end of the connection."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            said = event if isinstance(event, str) else json.dumps(event)
            self.wfile.write(f"data: {said}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def gone(self, within_s: float) -> bool:
        """Whether the client closes its connection within so long."""
        self.connection.settimeout(within_s)
        try:
            return not self.connection.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True

    def log_message(self, *_: Any) -> None:
        pass


class Faulty(ThreadingHTTPServer):
    """Does what `script` says, one request after the other, and after that `else_`; keeps what was asked."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *script: Doing, else_: Doing, owner: str = "someone") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.else_ = deque(script), else_
        self.models = [{"id": "toy", "object": "model", "owned_by": owner}]
        self.status = 200
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left in the middle of an answer is what some tests are about."""


@contextmanager
def faulty(*script: Doing, else_: Doing | None = None, owner: str = "someone") -> Iterator[Faulty]:
    server = Faulty(*script, else_=else_ or says("Fine."), owner=owner)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def completion(text: str, finish: str = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish, **more}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}
    return {"object": "chat.completion", "choices": [choice], "usage": usage}


def piece(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def says(text: str, finish: str = "stop", **headers: str) -> Doing:
    return lambda handler: handler.say(200, completion(text, finish), **headers)


def refuses(status: int, message: str = "No.", **headers: str) -> Doing:
    return lambda handler: handler.say(status, {"error": {"message": message}}, **headers)


def hangs_up(handler: Handler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True
