"""For Beam YAML: chats as rows with one field of text, outcomes as rows with the task's columns."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from attune.beam.chats import Once, ParseChats
from attune.beam.files import letter
from attune.beam.handle import Handle
from attune.beam.rows import ToRows
from attune.beam.write import WriteOutcomes


class Attune(beam.PTransform):
    """Rows of chats in, a JSON object in the field that `chat` names; table, review and dead out.

    `store` is where outcomes are written too, if it is given. The rows of `dead` have key, reason, detail and
    letter, which holds all of the dead letter as JSON.
    """

    def __init__(
        self, engine: str = "pocket", task: str = "triage", store: str = "", chat: str = "line"
    ) -> None:
        super().__init__()
        self._engine, self._task, self._store, self._field = engine, task, store, chat

    def expand(self, rows: PCollection[Any]) -> dict[str, PCollection[beam.Row]]:
        lines = rows | "Text" >> beam.Map(_text, self._field)
        handled = lines | ParseChats() | Once() | Handle(self._engine, self._task)
        if self._store:
            handled.all | beam.Flatten() | WriteOutcomes(self._store)
        made = {
            name: outcomes | f"Rows of {name}" >> ToRows(self._task, self._engine)
            for name, outcomes in (("table", handled.table), ("review", handled.review))
        }
        return made | {"dead": handled.dead | "Rows of dead" >> beam.Select(**_DEAD)}


_DEAD: dict[str, Any] = {
    "key": lambda outcome: str(outcome.key),
    "reason": lambda outcome: str(outcome.reason),
    "detail": lambda outcome: str(outcome.detail),
    "letter": lambda outcome: letter(outcome).decode(),
}


def _text(row: Any, field: str) -> Any:
    return getattr(row, field)
