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
from attune.outcome import Outcome, Place
from attune.store import Settled
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
    """The outcome's values by column."""
    return export.row(settled_of(outcome).outcome, task)


def settled_of(outcome: Outcome) -> Settled:
    """The outcome as a store would give it, written now."""
    review, dead = outcome.place is Place.REVIEW, outcome.place is Place.DEAD
    return Settled(
        stored(columns_of(outcome) | {"created_at": time.time()}),
        draft=outcome.draft if review else None,
        chat=outcome.chat if review else None,
        reason=outcome.reason if dead else None,
        detail=outcome.detail if dead else None,
    )


def _row(outcome: Outcome, task: Task) -> beam.Row:
    # In the order of the schema: a coder goes by it, not by the names.
    values = row_of(outcome, task)
    return beam.Row(**{column.name: _typed(values[column.name]) for column in export.columns(task)})


def _typed(value: Any) -> Any:
    if isinstance(value, datetime):
        return Timestamp.from_utc_datetime(value.astimezone(UTC))
    return value
