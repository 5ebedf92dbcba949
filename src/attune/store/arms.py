"""The arms of a store: every split that was ever live, a row for each change, and the newest one serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from attune.arms import Refused, Split, split_of
from attune.store.database import Database, rows_of
from attune.store.schema import dialect_of, insert, now, splits


@dataclass(frozen=True, slots=True)
class Change:
    """A split, and how it came to be: `action` was done to the arm `arm` by `person`, who gave a `reason`."""

    split: Split
    action: str
    """begin, add, weight, promote, remove or rollback."""
    arm: str
    person: str
    reason: str
    back_to: int | None = None
    """The version whose arms a rollback brought back."""
    at: float = 0.0
    """When it was written, in seconds since 1970."""

    @property
    def origin(self) -> int:
        """The version that these arms are first those of."""
        return self.split.version if self.back_to is None else self.back_to


class Arms:
    """The splits of a store. A change is one row, written whole: before it the old split is live, after it
    the new one, and nothing is between. No row is ever changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def live(self) -> Split | None:
        """The split that serves; None where none was ever made. Raises BadConfig for a newer attune's."""
        found = self._read(_ALL.limit(1))
        return found[0].split if found else None

    def history(self, limit: int | None = None) -> tuple[Change, ...]:
        """The changes, the newest first."""
        return self._read(_ALL if limit is None else _ALL.limit(limit))

    def before(self) -> Change | None:
        """What a rollback goes back to: the arms before those that serve. Of several rollbacks each goes one
        change further back."""
        by_version = {change.split.version: change for change in self.history()}
        if not by_version:
            return None
        live = by_version[max(by_version)].origin
        last = by_version.get(live - 1)
        return by_version[last.origin] if last else None

    def write(self, *changes: Change) -> None:
        """Make changes one after the other, all or none; the last one's split is live from then on.

        Raises Refused where somebody else's change came between.
        """
        self._database.write(partial(_write, changes=changes))

    def _read(self, query: Select[Any]) -> tuple[Change, ...]:
        return tuple(_change(row) for row in rows_of(self._database, query))


_ALL: Select[Any] = select(splits).order_by(splits.c.version.desc())


def _write(connection: Connection, changes: Sequence[Change]) -> None:
    new = insert(splits, dialect_of(connection)).values(at=now()).on_conflict_do_nothing()
    for change in changes:
        if not connection.execute(new.returning(splits.c.version), _row(change)).all():
            raise Refused("The arms were changed by somebody else meanwhile. Look at them: attune arms list")


def _row(change: Change) -> Mapping[str, Any]:
    told = {name: getattr(change, name) for name in ("action", "arm", "person", "reason", "back_to")}
    return told | {"version": change.split.version, "arms": [asdict(arm) for arm in change.split.arms]}


def _change(row: Row[Any]) -> Change:
    split = split_of({"version": row.version, "arms": row.arms})
    return Change(split, row.action, row.arm, row.person, row.reason, row.back_to, row.at)
