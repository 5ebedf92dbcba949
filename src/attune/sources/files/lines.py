"""Lines out of chunks of bytes, in bounded memory however long a line is."""

from __future__ import annotations

from collections.abc import Iterator

_BOM = b"\xef\xbb\xbf"


class Lines:
    """Cuts what is fed into numbered lines, their ends (LF or CR LF) left off, and blank ones left out.

    Of a line longer than `max_bytes` the first `max_bytes` + 1 bytes are kept: enough to be seen as
    too long, and never more.
    """

    def __init__(self, max_bytes: int) -> None:
        self._most = max_bytes + 1
        self.clear()

    def clear(self) -> None:
        """Begins a new file."""
        self._open = bytearray()
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """The lines that `chunk` ends."""
        *ended, begun = chunk.split(b"\n")
        for piece in ended:
            self._extend(piece)
            yield from self.end()
        self._extend(begun)

    def end(self) -> Iterator[tuple[int, bytes]]:
        """Takes what is there as a line, as at the end of a file."""
        self._number += 1
        line = bytes(self._open).removesuffix(b"\r")
        self._open = bytearray()
        if self._number == 1:
            line = line.removeprefix(_BOM)
        if line.strip():
            yield self._number, line

    def _extend(self, piece: bytes) -> None:
        self._open += piece[: self._most - len(self._open)]
