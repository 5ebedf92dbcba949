"""Tables for a spreadsheet: CSV that is read as it was meant, in any language."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from starlette.responses import StreamingResponse

_NUMBER = re.compile(r"-?\d+")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet(name: str, head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> StreamingResponse:
    """A file called `name`, made while it is sent: however many rows there are, none waits in memory."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(head, rows), headers=headers, media_type="text/csv; charset=utf-8")


def cell(value: str | float) -> str | float:
    """A value as it is written: a text that a spreadsheet would calculate stays a text there."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) and not _NUMBER.fullmatch(value) else value
    return int(value) if value == int(value) else round(value, 1)


def _lines(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> Iterator[str]:
    # The mark at the beginning tells a spreadsheet that it is UTF-8.
    yield "\ufeff" + _line(head)
    for row in rows:
        yield _line([cell(each) for each in row])


def _line(values: Sequence[str | float]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
