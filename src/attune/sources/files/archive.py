"""Compressed files, read as far as they can be: a torn one gives all that stands before the damage."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Literal

import pyarrow as pa

CODECS: Mapping[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}
_READ_AHEAD = 256 * 1024
_SIP = 64


class Archive:
    """What is in a compressed file, as a stream. `damage` says, once it has ended, what was wrong with it."""

    def __init__(self, path: Path) -> None:
        self.damage = ""
        self._path = path
        self._codec = CODECS[path.suffix]
        self._file: BinaryIO = path.open("rb")
        self._stream = pa.CompressedInputStream(self._file, self._codec)
        self._given = 0
        self._mending = False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, b"" at the end."""
        try:
            chunk: bytes = self._stream.read(1 if self._mending else size)
        except OSError as error:
            if self._mending:
                self.damage = str(error)
                return b""
            self._mend()
            return self.read(size)
        self._given += len(chunk)
        return chunk

    def tell(self) -> int:
        """The position in the compressed file."""
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def _mend(self) -> None:
        """Begins again and goes to where the stream broke, now in sips: it breaks in the middle of what it
        read ahead, and takes that along."""
        broken_at = self._file.tell()
        self._mending = True
        self._file = self._path.open("rb")  # the broken stream takes its file along when it goes
        self._stream = pa.CompressedInputStream(_Sips(self._file, broken_at - _READ_AHEAD), self._codec)
        skipped = 0
        while skipped < self._given:
            skipped += len(self._stream.read(min(65536, self._given - skipped)))


class _Sips(io.RawIOBase):
    """A file that is read in small pieces from some position on."""

    def __init__(self, file: BinaryIO, after: int) -> None:
        self._file, self._after = file, after

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(size if self._file.tell() + size < self._after else min(size, _SIP))

    def readable(self) -> bool:
        return True
