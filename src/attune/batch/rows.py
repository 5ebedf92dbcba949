"""The rows of a batch: the two files they are written to, and what these files say is done."""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attune.errors import AttuneError, BadConfig
from attune.visible import visible

OPENAI_ID = "batch_req_"
"""What the id of a row in OpenAI's shape begins with; the number of its record follows."""


@dataclass(frozen=True, slots=True)
class Row:
    """The end of one record: a line of OUT, or with a `reason` of OUT's errors file."""

    number: int
    line: bytes
    prompt_tokens: int = 0
    output_tokens: int = 0
    reason: str = ""


@dataclass(slots=True)
class Counts:
    """What became of the records: in = ok + failed, once all are done."""

    ok: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        return self.ok + self.failed

    def add(self, row: Row) -> None:
        self.ok += not row.reason
        self.failed += bool(row.reason)
        self.prompt_tokens += row.prompt_tokens
        self.output_tokens += row.output_tokens
        if row.reason:
            self.reasons[row.reason] += 1


class Rows:
    """The files of rows, opened to go on with what they hold, by one process at a time.

    Nothing is read or changed before `recover`. Raises BadConfig where another process writes them.
    """

    def __init__(self, out: Path) -> None:
        self.path = out
        self.counts = Counts()
        self._done = bytearray()
        self._out, self._errors = _locked(out), _locked(errors_file(out))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()
        self._errors.close()

    @property
    def empty(self) -> bool:
        """Whether neither file holds anything."""
        return not any(os.fstat(file.fileno()).st_size for file in (self._out, self._errors))

    def clear(self) -> None:
        """Removes all rows."""
        for file in (self._out, self._errors):
            file.truncate(0)

    def recover(self) -> None:
        """Finds what is done, and cuts off what a kill tore at a file's end."""
        for file in (self._out, self._errors):
            self._recover(file)

    def __contains__(self, number: int) -> bool:
        """Whether the record of that number has its row: one bit for each, however many there are."""
        place, bit = divmod(number, 8)
        return place < len(self._done) and bool(self._done[place] >> bit & 1)

    def write(self, rows: Sequence[Row]) -> None:
        """Adds rows, durable when this returns. Raises AttuneError where the disk does not take them.

        Failures come first: where rows are in order, a row of OUT then says that all before it are done.
        """
        _append(self._errors, [row for row in rows if row.reason])
        _append(self._out, [row for row in rows if not row.reason])
        for row in rows:
            self._note(row)

    def _note(self, row: Row) -> None:
        place, bit = divmod(row.number, 8)
        if place >= len(self._done):
            self._done.extend(bytes(place + 1 - len(self._done)))
        self._done[place] |= 1 << bit
        self.counts.add(row)

    def _recover(self, file: FileIO) -> None:
        whole = 0
        with open(file.name, "rb") as written:
            for line in written:
                row = _read(line)
                if row is None:
                    break
                whole += len(line)
                self._note(row)
        file.truncate(whole)
        os.fsync(file.fileno())


def errors_file(out: Path) -> Path:
    """Where the records that failed go."""
    return out.with_name(f"{out.stem}.errors.jsonl")


def _locked(path: Path) -> FileIO:
    try:
        file = FileIO(path, "ab")  # not buffered: what was not written must not be tried again at its end
    except OSError as error:
        raise AttuneError(f"{visible(str(path))} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise BadConfig(
            f"{visible(str(path))} is being written by another batch: wait for its end"
        ) from error
    return file


def _append(file: FileIO, rows: Sequence[Row]) -> None:
    left = memoryview(b"".join(row.line for row in rows))
    if not left:
        return
    try:
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError as error:
        why = error.strerror or error
        raise AttuneError(
            f"{visible(str(file.name))} cannot be written: {why}. Make room, then run the same command."
        ) from error


def _read(line: bytes) -> Row | None:
    """The row in a line; None for what is no whole row."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
        return _openai_row(row) if "custom_id" in row else _row(row)
    except (ValueError, KeyError, TypeError):
        return None


def _row(row: dict[str, Any]) -> Row:
    return Row(
        int(row["record"]),
        b"",
        row.get("prompt_tokens", 0),
        row.get("output_tokens", 0),
        row.get("reason", ""),
    )


def _openai_row(row: dict[str, Any]) -> Row:
    number, body = int(row["id"].removeprefix(OPENAI_ID)), row["response"]["body"]
    if "error" in body:
        return Row(number, b"", reason=body["error"]["code"])
    usage = body["usage"]
    return Row(number, b"", usage["prompt_tokens"], usage["completion_tokens"])
