"""Kaggle's client is asked for a model, and what goes wrong is told in words. Needs the extra [kaggle]."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from attune.models.kaggle import is_handle, short

SOURCE = "kaggle:google/gemma-3/transformers/gemma-3-1b-it"
PAGE = "https://www.kaggle.com/models/google/gemma-3"
PORT = 7777
"""Kaggle's client knows one address on this machine, for its own tests."""
_FETCH = """
import sys
from pathlib import Path
from attune.errors import ModelError
from attune.models.kaggle import download
try:
    download(sys.argv[1], Path(sys.argv[2]))
except ModelError as error:
    print(error, file=sys.stderr)
"""
needs_kaggle = pytest.mark.skipif(not find_spec("kagglehub"), reason="the extra [kaggle] is not installed")


@contextmanager
def answers(status: int) -> Iterator[None]:
    """A Kaggle on this machine that says no."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Tests are quiet."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = json.dumps({"code": status, "message": "not for you"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def fetched(folder: Path) -> str:
    """What is said of a download, in a process of its own: the client reads its address when it is loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _FETCH, SOURCE, str(folder / "model")],
        env=os.environ | {"KAGGLE_API_ENVIRONMENT": "TEST", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr


@needs_kaggle
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, ("KAGGLE_API_TOKEN", "https://www.kaggle.com/settings/api", f"licence once at {PAGE}")),
        (403, ("KAGGLE_API_TOKEN", f"licence once at {PAGE}")),
        (404, ("no such variation", PAGE)),
        (500, ("not for you", "the same command goes on")),
    ],
)
def test_a_refusal_is_told_in_words(tmp_path: Path, status: int, words: tuple[str, ...]) -> None:
    with answers(status):
        told = fetched(tmp_path)
    for word in words:
        assert word in told


@needs_kaggle
def test_nobody_there_is_told_in_words(tmp_path: Path) -> None:
    assert "Without a network" in fetched(tmp_path)


@pytest.mark.parametrize(
    ("source", "name"),
    [(SOURCE, "gemma-3-1b-it"), (f"{SOURCE}/2", "gemma-3-1b-it"), ("kaggle:google/gemma-3", ""), ("a/b", "")],
)
def test_a_handle_names_owner_model_framework_and_variation(source: str, name: str) -> None:
    assert short(source) == name
    assert is_handle(source) is bool(name)
