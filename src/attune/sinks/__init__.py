"""The port every sink implements: rows of settled outcomes, at least once, each under its own key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from attune.address import Address
from attune.errors import AttuneError, BadConfig
from attune.export import Column, Row, plain
from attune.export import columns as columns_of_results
from attune.export import row as row_of_results
from attune.outcome import Place
from attune.task import Task

if TYPE_CHECKING:
    from attune.store import Settled

KEY = ("id", "task", "task_version")
"""The columns that name an outcome: the same key again is the same outcome again, or, after a replay, a
newer one, whose `created_at` is later."""
_MORE = (
    Column("review_draft", "text"),
    Column("review_chat", "text"),
    Column("dead_reason", "text"),
    Column("dead_detail", "text"),
)
OPTIONS = ("places", "rows", "wait_s")
"""The options that every sink has."""


class SinkError(AttuneError):
    """A sink that cannot be reached, or refuses what it is given."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What a sink is given: which places, how many rows at most at once, and how long a few wait for more."""

    name: str
    """The address without options and passwords: the store keeps the sink's position under it."""
    places: frozenset[Place]
    rows: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows in the order of their settling, behind number `first` and up to `last`; `sent` went before them.

    `again`: the sink may have them already, since it was given the same batch and did not come to an end.
    """

    first: int
    last: int
    sent: int
    again: bool
    rows: Sequence[Row]


class Sink(Protocol):
    """Takes batches, one after the other, from one thread.

    `write` returns when the rows are durable, or raises SinkError: the same batch is given again then, also
    to another process after a crash. Nothing is connected before the first `write`.
    """

    @property
    def terms(self) -> Terms: ...

    def write(self, batch: Batch) -> None: ...

    def close(self) -> None:
        """Ends connections; a second call does nothing."""


def columns(task: Task) -> tuple[Column, ...]:
    """The columns of `attune results`, then the draft and chat of a review, and why a dead letter is dead."""
    ours = columns_of_results(task)
    names = {column.name for column in ours}
    for column in _MORE:
        if column.name in names:
            raise BadConfig(f"the task {task.name} has a field {column.name}, which sinks use: rename it")
    return (*ours, *_MORE)


def row(settled: Settled, task: Task) -> Row:
    """The outcome's values by column."""
    chat = None if settled.chat is None else json.dumps(settled.chat, ensure_ascii=False)
    return row_of_results(settled.outcome, task) | {
        "review_draft": settled.draft,
        "review_chat": chat,
        "dead_reason": settled.reason,
        "dead_detail": settled.detail,
    }


def terms(address: Address, rows: int, wait_s: float = 0.0) -> Terms:
    """The terms that an address sets, or the sink's own. Raises BadConfig for one that cannot be."""
    names = [name for name in address.options.get("places", ",".join(Place)).split(",") if name]
    unknown = [name for name in names if name not in set(Place)]
    if unknown or not names:
        raise BadConfig(f"{address.shown}: places={','.join(names)}: it can be any of {', '.join(Place)}")
    most = int(address.number("rows", rows, low=1))
    places = frozenset(Place(name) for name in names)
    return Terms(address.shown, places, most, address.number("wait_s", wait_s))


def message(row: Row, max_bytes: int) -> bytes:
    """The row as a JSON object, for a queue. A chat that would make it too long is left out, and says so."""
    line = _json(row)
    if len(line) <= max_bytes or row["review_chat"] is None:
        return line
    left_out = f"review_chat left out: the message would have {len(line):,} bytes"
    return _json(row | {"review_chat": None, "flags": [*row["flags"], left_out]})


def _json(row: Mapping[str, Any]) -> bytes:
    return json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False).encode()


def key(row: Row) -> str:
    """The outcome's key as one text: the task, its version, and the chat's id."""
    return f"{row['task']}/{row['task_version']}/{row['id']}"
