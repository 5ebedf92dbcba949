"""Replies as lines of a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.errors import BadConfig
from attune.replies import NotSent


class JsonLines:
    """A JSON object a line, appended and synced to the disk. The file is opened for each reply, so that it
    can be moved away; half a line that a full disk or a crash left is ended before the next."""

    def __init__(self, path: str) -> None:
        if not path:
            raise BadConfig("file: needs a path, like file:replies.jsonl")
        self._path = Path(path)

    @property
    def name(self) -> str:
        return f"file:{self._path}"

    def send(self, reply: Mapping[str, Any]) -> None:
        line = json.dumps(dict(reply), ensure_ascii=False).encode() + b"\n"
        try:
            with self._path.open("ab+") as file:
                file.write(self._mended(file) + line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotSent(f"{self.name} cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Nothing stays open."""

    def _mended(self, file: Any) -> bytes:
        """A line end, where the last line has none."""
        if file.seek(0, os.SEEK_END) == 0:
            return b""
        file.seek(-1, os.SEEK_END)
        return b"" if file.read(1) == b"\n" else b"\n"
