"""Outcomes as rows: the columns that a task gives them, and the forms they are written in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from attune.errors import BadConfig
from attune.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from attune.store import StoredOutcome

Kind = Literal["text", "integer", "boolean", "list", "number", "map", "time"]
Row = dict[str, Any]
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind


_BEFORE = (
    Column("id", "text"),
    Column("user_id", "text"),
    Column("language", "text"),
    Column("channel", "text"),
)
_AFTER = (
    Column("place", "text"),
    Column("flags", "list"),
    Column("confidence", "map"),
    Column("model", "text"),
    Column("arm", "text"),
    Column("task", "text"),
    Column("task_version", "text"),
    Column("prompt_tokens", "integer"),
    Column("output_tokens", "integer"),
    Column("first_slot_s", "number"),
    Column("total_s", "number"),
    Column("attempts", "integer"),
    Column("created_at", "time"),
)
_TYPES: Mapping[str, type[Any]] = {"text": str, "integer": int, "boolean": bool, "list": list}


def columns(task: Task) -> tuple[Column, ...]:
    """Whose chat, the task's fields, how it went. A field named like one of ours gets value_ before it."""
    return (*_BEFORE, *(Column(_own(part.name), part.column) for part in task.fields), *_AFTER)


def row(outcome: StoredOutcome, task: Task) -> Row:
    """The outcome's values by column. A value of an older version that no longer fits its column is None."""
    values = {_own(part.name): _fitting(outcome.values.get(part.name), part.column) for part in task.fields}
    ours = {column.name: getattr(outcome, column.name) for column in (*_BEFORE[1:], *_AFTER)}
    typed = {
        "place": str(outcome.place),
        "flags": list(outcome.flags),
        "confidence": dict(outcome.confidence),
        "created_at": datetime.fromtimestamp(outcome.created_at, UTC),
    }
    return {"id": outcome.key, **values, **ours, **typed}


def matching(rows: Iterable[Row], where: Sequence[str], among: Sequence[Column]) -> Iterator[Row]:
    """The rows that fit every column that `where` ("sentiment=-1") names; a column named twice may be either.

    Raises BadConfig for a column that is not there and a value that it cannot have.
    """
    wanted: dict[str, list[Any]] = {}
    for condition in where:
        name, value = _condition(condition, among)
        wanted.setdefault(name, []).append(value)
    return (each for each in rows if all(_meets(each[name], values) for name, values in wanted.items()))


def write_csv(rows: Iterable[Row], order: Sequence[Column], out: BinaryIO) -> None:
    """CSV in UTF-8 with a header. Text that a spreadsheet would run as a formula gets a ' before it."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in order])
    writer.writerows([_cell(each[column.name]) for column in order] for each in rows)
    text.detach()


def write_jsonl(rows: Iterable[Row], order: Sequence[Column], out: BinaryIO) -> None:
    """A JSON object a line, in UTF-8."""
    for each in rows:
        line = {column.name: plain(each[column.name]) for column in order}
        out.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def write_parquet(rows: Iterable[Row], order: Sequence[Column], out: BinaryIO) -> None:
    """Parquet with a type for each column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = arrow_schema(order)
    left = iter(rows)
    with pq.ParquetWriter(out, schema) as writer:
        while batch := list(islice(left, _BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))


def arrow_schema(order: Sequence[Column], other: Mapping[Kind, pa.DataType] | None = None) -> pa.Schema:
    """An Arrow type for each column; `other` has those that a receiver wants otherwise."""
    import pyarrow as pa

    types: Mapping[Kind, pa.DataType] = {
        "text": pa.string(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "list": pa.list_(pa.string()),
        "number": pa.float64(),
        "map": pa.map_(pa.string(), pa.float64()),
        "time": pa.timestamp("ms", tz="UTC"),
        **(other or {}),
    }
    return pa.schema([pa.field(column.name, types[column.kind]) for column in order])


def _own(name: str) -> str:
    taken = {column.name for column in (*_BEFORE, *_AFTER)}
    return f"value_{name}" if name in taken else name


def _fitting(value: Any, kind: str) -> Any:
    return value if type(value) is _TYPES[kind] else None


def _condition(condition: str, among: Sequence[Column]) -> tuple[str, Any]:
    name, equals, text = condition.partition("=")
    kinds = {column.name: column.kind for column in among if column.kind in _TYPES}
    if not equals or name not in kinds:
        raise BadConfig(
            f"--where {condition}: needs COLUMN=VALUE, with one of the columns {', '.join(kinds)}"
        )
    try:
        return name, _value(text, kinds[name])
    except (ValueError, KeyError) as error:
        raise BadConfig(
            f"--where {condition}: {name} holds {kinds[name]} values, and {text!r} is none"
        ) from error


def _value(text: str, kind: Kind) -> Any:
    if kind == "integer":
        return int(text)
    return {"true": True, "false": False}[text.lower()] if kind == "boolean" else text


def _meets(value: Any, wanted: Sequence[Any]) -> bool:
    return any(each in wanted for each in value) if isinstance(value, list) else value in wanted


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else plain(value)


def plain(value: Any) -> Any:
    """The value as JSON has it: a time as ISO text."""
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value
