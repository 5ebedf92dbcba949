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
LFS = 1000


@dataclass
class Hub:
    """`files` by name, those of `LFS` bytes and more as the hub keeps large ones. After `gives` bytes
    of files the connection ends, and nothing is given any more; `refuses` says why nothing is given."""

    files: Mapping[str, bytes]
    gives: int | None = None
    refuses: tuple[int, str] | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    """Sums that the hub tells instead of the true ones."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request."""
    ranges: list[str] = field(default_factory=list)
    """Of the requests for a part of a file, which part."""
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
        siblings = [self._sibling(name, data) for name, data in self.model.files.items()]
        return {"id": NAME, "sha": SHA, "siblings": siblings, "tags": [], "private": False, "downloads": 0}

    def _sibling(self, name: str, data: bytes) -> dict[str, Any]:
        plain: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": _oid(data)}
        if len(data) < LFS:
            return plain
        digest = self.model.told.get(name, hashlib.sha256(data).hexdigest())
        return plain | {"lfs": {"sha256": digest, "size": len(data), "pointerSize": 134}}

    def _tree(self) -> list[dict[str, Any]]:
        files = self.model.files.items()
        return [{"type": "file", "path": name, "size": len(data), "oid": _oid(data)} for name, data in files]

    def _file(self, data: bytes, body: bool) -> None:
        told = {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked is None:
            self._send(200, data, told, body)
            return
        self.model.ranges.append(asked)
        first = int(asked.removeprefix("bytes=").rstrip("-"))
        told["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self._send(206, data[first:], told, body)

    def _send(self, code: int, content: bytes, headers: Mapping[str, str], body: bool) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not body:
            return
        if self.model.gives is None or "resolve" not in self.path:
            self.wfile.write(content)
            return
        self.wfile.write(content[: self.model.gives])
        if len(content) > self.model.gives:
            self.close_connection = True
            self.model.gives, self.model.refuses = None, (500, "")
        else:
            self.model.gives -= len(content)


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()
