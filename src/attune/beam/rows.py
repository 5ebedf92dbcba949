"""`ToRows`: outcomes as rows with the columns that their task gives them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.typehints.row_type import RowTypeConstraint
from apache_beam.utils.timestamp import Timestamp

from attune import connect, export
from attune.outcome import Outcome
from attune.store.outcomes import columns_of, stored
from attune.task import Task

_TYPES: Mapping[str, Any] = {
    "text": str | None,
    "integer": int | None,
    "boolean": bool | None,
    "list": Sequence[str],
    "number": float,
    "map": Mapping[str, float],
    "time": Timestamp,
}


class ToRows(beam.PTransform):
    """Rows with a schema, the columns of `attune results`: Beam's own sinks and SQL take them as they are."""

    def __init__(self, task: str = "triage", engine: str = "pocket") -> None:
        super().__init__()
        self._task = connect.task(task, engine)

    def expand(self, outcomes: PCollection[Outcome]) -> PCollection[beam.Row]:
        fields = [(column.name, _TYPES[column.kind]) for column in export.columns(self._task)]
        return outcomes | beam.Map(_row, self._task).with_output_types(RowTypeConstraint.from_fields(fields))


def row_of(outcome: Outcome, task: Task) -> export.Row:
    """The outcome's values by column; it was made now, as far as anybody knows."""
    row = columns_of(outcome) | {"created_at": time.time()}
    return export.row(stored(row), task)


def _row(outcome: Outcome, task: Task) -> beam.Row:
    # In the order of the schema: a coder goes by it, not by the names.
    values = row_of(outcome, task)
    return beam.Row(**{column.name: _typed(values[column.name]) for column in export.columns(task)})


def _typed(value: Any) -> Any:
    if isinstance(value, datetime):
        return Timestamp.from_utc_datetime(value.astimezone(UTC))
    return value
