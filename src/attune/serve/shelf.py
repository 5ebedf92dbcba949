"""The shelf: files that clients have put here and that batches have written, in one folder."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from attune.errors import AttuneError
from attune.serve.refusal import Refusal
from attune.whole import write_whole

_ID = re.compile(r"file-[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file on the shelf; `path` is relative to its folder."""

    id: str
    filename: str
    purpose: str
    bytes: int
    created_at: int
    path: str


class Shelf:
    """Files by their ids, each beside a JSON file that tells of it; a file is there whole or not at all.

    The folder is made when something is put into it. Whatever cannot be read or written is an AttuneError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: BinaryIO, filename: str, purpose: str) -> Kept:
        """Keeps a copy of `content`."""
        name = f"files/{secrets.token_hex(12)}.jsonl"
        part = self.folder / f"{name}.part"
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                shutil.copyfileobj(content, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.folder / name)
        except OSError as error:
            raise AttuneError(f"the file cannot be kept: {error.strerror}") from error
        return self.adopt(name, filename, purpose)

    def adopt(self, path: str, filename: str, purpose: str) -> Kept:
        """Gives an id to a file that is in the folder already."""
        size = (self.folder / path).stat().st_size
        kept = Kept(f"file-{secrets.token_hex(12)}", filename, purpose, size, int(time.time()), path)
        write(self._told(kept.id), asdict(kept))
        return kept

    def get(self, name: str) -> Kept:
        """The file of that id. Raises a Refusal where there is none."""
        if not _ID.fullmatch(name) or not self._told(name).is_file():
            raise Refusal(404, f"no file has the id {name!r:.60}", "file_not_found")
        return Kept(**read(self._told(name)))

    def content(self, name: str) -> Path:
        return self.folder / self.get(name).path

    def all(self) -> list[Kept]:
        """The files, the newest first."""
        found = [Kept(**read(path)) for path in self.folder.glob("files/file-*.json")]
        return sorted(found, key=lambda kept: (kept.created_at, kept.id), reverse=True)

    def delete(self, name: str) -> None:
        kept = self.get(name)
        self._told(name).unlink(missing_ok=True)
        (self.folder / kept.path).unlink(missing_ok=True)

    def _told(self, name: str) -> Path:
        return self.folder / "files" / f"{name}.json"


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Writes JSON durably, whole or not at all. Raises AttuneError."""
    write_whole(path, json.dumps(value), path.name)


def read(path: Path) -> Any:
    """The JSON in `path`. Raises AttuneError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AttuneError(f"{path.name} cannot be read: {error}") from error
