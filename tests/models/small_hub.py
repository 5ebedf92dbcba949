"""A hub of one model on this machine, by the interfaces that huggingface_hub documents and asks."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"
NAME = "owner/small-t5"


@dataclass
class Hub:
    """`files` by name. After `breaks_after` bytes of an answer the connection ends; `refuses` says why
    nothing is given."""

    files: Mapping[str, bytes]
    breaks_after: int | None = None
    refuses: tuple[int, str] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request."""
    address: str = ""

    def given(self, name: str) -> list[str]:
        """How a file was fetched."""
        return [path for method, path in self.asked if method == "GET" and path.endswith(f"/{name}")]


@contextmanager
def served(hub: Hub) -> Iterator[Hub]:
    class Handler(_Handler):
        model = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    model: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Tests are quiet."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.model.asked.append((self.command, path))
        if self.model.refuses:
            code, why = self.model.refuses
            self._send(code, b"{}", {"X-Error-Code": why, "X-Error-Message": why}, body)
        elif path.startswith(f"/api/models/{NAME}/revision/"):
            self._send(200, json.dumps(self._told()).encode(), {}, body)
        elif path.startswith(f"/api/models/{NAME}/tree/"):
            self._send(200, json.dumps(self._tree()).encode(), {}, body)
        elif path.startswith(f"/{NAME}/resolve/") and path.rpartition("/")[2] in self.model.files:
            self._file(self.model.files[path.rpartition("/")[2]], body)
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body)

    def _told(self) -> dict[str, Any]:
        siblings = [{"rfilename": name, "size": len(data)} for name, data in self.model.files.items()]
        return {"id": NAME, "sha": SHA, "siblings": siblings, "tags": [], "private": False, "downloads": 0}

    def _tree(self) -> list[dict[str, Any]]:
        files = self.model.files.items()
        return [{"type": "file", "path": name, "size": len(data), "oid": _oid(data)} for name, data in files]

    def _file(self, data: bytes, body: bool) -> None:
        self._send(200, data, {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": SHA}, body)

    def _send(self, code: int, content: bytes, headers: Mapping[str, str], body: bool) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not body:
            return
        breaks = self.model.breaks_after
        self.wfile.write(content[:breaks])
        if breaks is not None and len(content) > breaks:
            self.close_connection = True


def _oid(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
