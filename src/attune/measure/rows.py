"""Rows of a file: JSON lines, CSV or Parquet; what is no row is counted, with the reason."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attune.errors import AttuneError
from attune.export import FORMULA
from attune.sources.files import Files, expand
from attune.visible import visible

Row = dict[str, Any]
_MOST_BYTES = 64_000_000
_PAGE = 2000


@dataclass(slots=True)
class Unreadable:
    """Lines that are no rows: how many, and what was wrong with the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, where: str, why: str) -> None:
        self.count += 1
        if len(self.first) < 10:
            self.first.append(f"{where}: {why}")


def read(name: str, bad: Unreadable, done: Callable[[float], None] = lambda _: None) -> Iterator[Row]:
    """The rows of the file, folder or glob `name`, see `located`."""
    return (row for _, row in located(name, bad, done))


def located(
    name: str, bad: Unreadable, done: Callable[[float], None] = lambda _: None
) -> Iterator[tuple[str, Row]]:
    """The rows of the file, folder or glob `name`, each after where it stands ("letters.csv:17"); lines that
    are none go to `bad`.

    `.csv` has a header; `.parquet` as it is; all else is a JSON object a line, which may end in .gz or .zst.
    `done` is told the fraction that is read. Raises AttuneError for a file that cannot be read at all.
    """
    kind = Path(name).suffix.lower()
    try:
        if kind == ".csv":
            yield from _csv(Path(name), bad, done)
        elif kind == ".parquet":
            yield from _parquet(Path(name), done)
        else:
            yield from _lines(name, bad, done)
    except OSError as error:
        raise AttuneError(f"{visible(name)} cannot be read: {error.strerror or error}") from error


def _lines(name: str, bad: Unreadable, done: Callable[[float], None]) -> Iterator[tuple[str, Row]]:
    with closing(Files(expand([name]), _MOST_BYTES)) as files:
        while (found := files.receive(_PAGE, 0)) is not None:
            done(files.fraction() or 0.0)
            for each in found:
                try:
                    yield each.ref, _object(each.raw)
                except ValueError as error:
                    bad.add(each.ref, str(error))


def _object(raw: bytes) -> Row:
    if len(raw) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES:,} bytes")
    try:
        found = json.loads(raw, parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - a fault of the file, not of a caller
    return found


def _csv(path: Path, bad: Unreadable, done: Callable[[float], None]) -> Iterator[tuple[str, Row]]:
    """Rows of text. The ' that an export puts before what a spreadsheet takes for a formula is taken off."""
    size = path.stat().st_size or 1
    csv.field_size_limit(_MOST_BYTES)
    with path.open("rb") as raw:
        file = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.DictReader(file, restkey="")
        try:
            for number, row in enumerate(reader):
                if number % _PAGE == 0:
                    done(min(1.0, raw.tell() / size))
                if "" in row or None in row.values():
                    bad.add(f"{path.name}:{reader.line_num}", "another number of cells than the header")
                else:
                    cells = {name: _cell(text) for name, text in row.items()}
                    yield f"{path.name}:{reader.line_num}", cells
        except csv.Error as error:
            raise AttuneError(f"{visible(str(path))}:{reader.line_num} is no CSV: {error}") from error


def _cell(text: str) -> str | None:
    formula = text.startswith("'") and text[1:].startswith(FORMULA)
    return text[1:] if formula else text or None


def _parquet(path: Path, done: Callable[[float], None]) -> Iterator[tuple[str, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            total, given = file.metadata.num_rows or 1, 0
            for batch in file.iter_batches(_PAGE):
                done(min(1.0, (given + batch.num_rows) / total))
                for number, row in enumerate(batch.to_pylist(), start=given + 1):
                    cells = {name: None if _is_nan(value) else value for name, value in row.items()}
                    yield f"{path.name}:{number}", cells
                given += batch.num_rows
    except pa.ArrowInvalid as error:
        raise AttuneError(f"{visible(str(path))} is no Parquet file: {error}") from error


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
