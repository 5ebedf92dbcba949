"""Files of chats, a JSON object a line: plain, compressed, whole folders, stdin, and files that grow."""

from __future__ import annotations

import glob
import logging
import os
import select
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from attune.errors import AttuneError
from attune.sources import Delivery
from attune.sources.files.archive import CODECS, Archive
from attune.sources.files.lines import Lines
from attune.visible import visible

log = logging.getLogger(__name__)

STDIN = "-"
KINDS = (".jsonl", ".ndjson")
"""What is read of a folder, also with .gz or .zst behind. A .json may be anything, and must be named."""
_CHUNK = 64 * 1024
_POLL_S = 0.05

_Chunks = Generator[list[Delivery] | None, None, None]
"""The lines of one file, chunk by chunk; None where it has nothing now."""


class Files:
    """The lines of `names`, one file after the other; with `follow`, of all of them as they grow, for ever.

    Nothing is remembered of what was read: after a restart everything is given again, and the store knows
    what it has. An unfinished last line is taken as it is at the end of a file; with `follow`, once its
    line feed comes, or the file was put aside by a rename. Raises AttuneError for a file that cannot be read.
    """

    forgets = False

    def __init__(self, names: Sequence[str], max_chat_bytes: int, follow: bool = False) -> None:
        self._max_bytes = max_chat_bytes
        self._total = 0 if follow or STDIN in names else sum(Path(name).stat().st_size for name in names)
        self._read = 0
        self._chunk = (0, 0)
        self._open = deque(self._deliveries(name, follow) for name in names)
        self._ready: deque[Delivery] = deque()

    def receive(self, most: int, wait_s: float) -> list[Delivery] | None:
        deadline = time.monotonic() + wait_s
        while not self._ready and self._open:
            if not self._pull():
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                time.sleep(min(left, _POLL_S))
        found = [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
        return found if found or self._open else None

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing to do: a file stays what it is."""

    def fraction(self) -> float | None:
        if not self._total:
            return None
        size, lines = self._chunk
        waiting = size * len(self._ready) // lines if lines else 0
        return max(0.0, min(1.0, (self._read - waiting) / self._total))

    def close(self) -> None:
        for deliveries in self._open:
            deliveries.close()
        self._open.clear()

    def _pull(self) -> bool:
        """Takes one chunk of the first file that has one; False when all of them wait."""
        for _ in range(len(self._open)):
            try:
                chunk = next(self._open[0])
            except StopIteration:
                self._open.popleft()
                return True
            if chunk is not None:
                self._ready.extend(chunk)
                return True
            self._open.rotate(-1)
        return False

    def _deliveries(self, name: str, follow: bool) -> _Chunks:
        lines = Lines(self._max_bytes)
        if name == STDIN:
            return _stdin(lines)
        path = Path(name)
        whole = not follow or path.suffix in CODECS or not path.is_file()
        return self._whole(path, lines) if whole else _growing(path, lines)

    def _whole(self, path: Path, lines: Lines) -> _Chunks:
        file = _opened(path)
        before = 0
        try:
            while chunk := file.read(_CHUNK):
                found = _named(path, lines.feed(chunk))
                size, before = file.tell() - before, file.tell()
                self._read, self._chunk = self._read + size, (size, len(found))
                yield found
            yield _named(path, lines.end())
        except OSError as error:
            raise _unreadable(path, error) from error
        finally:
            file.close()
        if isinstance(file, Archive) and file.damage:
            why = f"{visible(str(path))} is damaged: what stands before the damage was read. {file.damage}"
            log.warning(why, extra={"action": "archive_damaged"})


def expand(addresses: Sequence[str]) -> list[str]:
    """The files that paths, folders and globs name, each once. Raises AttuneError for what is not there."""
    return list(dict.fromkeys(_readable(name) for address in addresses for name in _expanded(address)))


def _expanded(address: str) -> list[str]:
    path = Path(address)
    if address == STDIN or (path.exists() and not path.is_dir()):
        return [address]
    if path.is_dir():
        endings = tuple(kind + packed for kind in KINDS for packed in ("", *CODECS))
        found = [
            str(file) for file in sorted(path.iterdir()) if file.name.endswith(endings) and file.is_file()
        ]
        wanted = f"the folder {visible(address)} holds no file that ends in {', '.join(endings)}"
    elif glob.has_magic(address):
        found = [name for name in sorted(glob.glob(address, recursive=True)) if os.path.isfile(name)]
        wanted = f"no file matches {visible(address)}"
    else:
        raise AttuneError(f"there is no file {visible(address)}")
    if not found:
        raise AttuneError(wanted)
    return found


def _readable(name: str) -> str:
    """Said before anything is read, so that no run breaks off at its last file."""
    if name != STDIN and not os.access(name, os.R_OK):
        raise AttuneError(f"{visible(name)} cannot be read: its permissions forbid it")
    if name == STDIN and sys.stdin is None:
        raise AttuneError("stdin is closed: there is nothing to read from -")
    return name


def _stdin(lines: Lines) -> _Chunks:
    descriptor = sys.stdin.fileno()
    while True:
        if not select.select([descriptor], [], [], 0)[0]:
            yield None
        elif chunk := os.read(descriptor, _CHUNK):
            yield _named("stdin", lines.feed(chunk))
        else:
            break
    yield _named("stdin", lines.end())


def _growing(path: Path, lines: Lines) -> _Chunks:
    """Never ends. A file that became shorter is begun again; one that was replaced is ended."""
    file = _opened(path)
    try:
        while True:
            if chunk := file.read(_CHUNK):
                yield _named(path, lines.feed(chunk))
            elif _replaced(path, file):
                yield _named(path, lines.end())
                file.close()
                file = _opened(path)
                lines.clear()
            elif os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)
                lines.clear()
            else:
                yield None
    finally:
        file.close()


def _replaced(path: Path, file: BinaryIO) -> bool:
    """Whether the path names another file by now. While it names none, the new one is still to come."""
    try:
        return not os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _opened(path: Path) -> Any:
    try:
        return Archive(path) if path.suffix in CODECS else path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> AttuneError:
    return AttuneError(f"{visible(str(path))} cannot be read: {error.strerror or error}")


def _named(name: object, numbered: Iterable[tuple[int, bytes]]) -> list[Delivery]:
    shown = visible(str(name))
    return [Delivery(raw, f"{shown}:{number}") for number, raw in numbered]
