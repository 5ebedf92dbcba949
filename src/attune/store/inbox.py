"""The inbox: inputs that wait for a worker, and the leases on those in a worker's hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Text,
    bindparam,
    cast,
    delete,
    null,
    select,
    union_all,
    update,
)

from attune.store.input import Admitted, Claimant, Enqueued, Input, Item
from attune.store.schema import dialect_of, inbox, insert, now, outcomes

_AT_ONCE = 5000  # a query has a limited number of parameters
_FREE = inbox.c.lease_until <= now()
_FROM_NOW = now() + bindparam("lease_s")
_THIS = inbox.c.id == bindparam("row_id")
_OWNED = inbox.c.owner == bindparam("the_owner")

_NEXT = (
    select(inbox.c.id)
    .where(_FREE)
    .order_by(inbox.c.claims, inbox.c.id)
    .limit(bindparam("n"))
    .with_for_update(skip_locked=True)
)
_TAKE_NEXT = (
    update(inbox)
    .where(inbox.c.id.in_(_NEXT.scalar_subquery()))
    .values(owner=bindparam("new_owner"), lease_until=_FROM_NOW, claims=inbox.c.claims + 1)
    .returning(inbox.c.claims, inbox.c.id, inbox.c.key, inbox.c.digest, inbox.c.raw, inbox.c.ref)
)
_ROWS = select(inbox.c.id, inbox.c.key, inbox.c.digest, inbox.c.raw, inbox.c.ref).where(
    inbox.c.id.in_(bindparam("ids", expanding=True))
)
_REMOVE = delete(inbox).where(_THIS)
# A row that is locked is about to be settled: to wait for it could end in a deadlock.
_HELD = select(inbox.c.id).where(_OWNED).with_for_update(skip_locked=True)
_RENEW = update(inbox).where(inbox.c.id.in_(_HELD)).values(lease_until=_FROM_NOW)
_RELEASE = update(inbox).where(_OWNED).values(owner=null(), lease_until=0.0, claims=inbox.c.claims - 1)
_KNOWN = union_all(
    select(outcomes.c.key, outcomes.c.digest, cast(null(), Integer).label("id"), cast(null(), Text)).where(
        outcomes.c.key.in_(bindparam("either_keys", expanding=True)),
        outcomes.c.task == bindparam("task"),
        outcomes.c.task_version.in_(bindparam("versions", expanding=True)),
    ),
    select(inbox.c.key, inbox.c.digest, inbox.c.id, inbox.c.owner).where(
        inbox.c.key.in_(bindparam("keys", expanding=True))
    ),
)


@dataclass(slots=True)
class _Known:
    """What the store knows about some keys, for one task."""

    settled: set[tuple[str, str]] = field(default_factory=set)
    """The (key, digest) of outcomes."""
    settled_keys: set[str] = field(default_factory=set)
    owners: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """The owner of each (key, digest) in the inbox."""
    first: dict[str, int] = field(default_factory=dict)
    """The lowest row of each key in the inbox."""

    def has_settled(self, given: Input) -> bool:
        return not self.settled.isdisjoint([(given.key, given.digest), (given.spare_key, given.digest)])

    def item(self, given: Input, row_id: int, claims: int) -> Item:
        conflict = given.key in self.settled_keys or self.first.get(given.key, row_id) < row_id
        parts = (given.key, given.digest, given.raw, given.ref, given.chat)
        return Item(*parts, id=row_id, claims=claims, conflict=conflict)


def enqueue(connection: Connection, inputs: Sequence[Input]) -> Enqueued:
    """Append `inputs`, less those that wait already."""
    if not inputs:
        return Enqueued(0, 0)
    result = connection.execute(
        _appending(dialect_of(connection)),
        [_columns(given) for given in inputs],
        execution_options={"preserve_rowcount": True},
    )
    return Enqueued(result.rowcount, len(inputs) - result.rowcount)


def admit(connection: Connection, inputs: Sequence[Input], claimant: Claimant) -> Admitted:
    """Put `inputs` into the claimant's hands, less those that are settled or in anybody's hands."""
    known = _known(connection, inputs, claimant)
    new: dict[tuple[str, str], Input] = {}
    for given in inputs:
        if not known.has_settled(given):
            new.setdefault((given.key, given.digest), given)
    if not new:
        return Admitted((), len(inputs), ())
    rows = _insert_or_take(connection, list(new.values()), claimant)
    for row_id, key, _, _ in rows:
        known.first[key] = min(known.first.get(key, row_id), row_id)
    taken = [(new.pop((key, digest)), row_id, claims) for row_id, key, digest, claims in rows]
    there = [row_id for given, row_id, _ in taken if (given.key, given.digest) in known.owners]
    waited = _stored(connection, there)
    items = tuple(known.item(waited.get(row_id, given), row_id, claims) for given, row_id, claims in taken)
    # What was not taken is in live hands.
    held = tuple(given for name, given in new.items() if known.owners.get(name) != claimant.owner)
    return Admitted(items, len(inputs) - len(items) - len(held), held)


def claim(connection: Connection, n: int, claimant: Claimant) -> Admitted:
    """Take up to `n` free inputs; none only if none is free. Settled ones that waited again are dropped."""
    repeated = 0
    lease = {"new_owner": claimant.owner, "lease_s": claimant.lease_s}
    while rows := connection.execute(_TAKE_NEXT, {"n": n, **lease}).all():
        # An update returns its rows in any order.
        found = [(Input(*row[2:]), row.id, row.claims) for row in sorted(rows, key=lambda row: row[:2])]
        known = _known(connection, [given for given, _, _ in found], claimant)
        settled = [row_id for given, row_id, _ in found if known.has_settled(given)]
        repeated += len(settled)
        remove(connection, settled)
        items = tuple(known.item(*taken) for taken in found if not known.has_settled(taken[0]))
        if items:
            return Admitted(items, repeated, ())
    return Admitted((), repeated, ())


def renew(connection: Connection, owner: str, lease_s: float) -> int:
    """Begin the leases of all that `owner` holds anew."""
    return connection.execute(_RENEW, {"the_owner": owner, "lease_s": lease_s}).rowcount


def release(connection: Connection, owner: str) -> int:
    """Give back all that `owner` holds, as if it had never been taken."""
    return connection.execute(_RELEASE, {"the_owner": owner}).rowcount


def remove(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        connection.execute(_REMOVE, [{"row_id": row_id} for row_id in ids])


@cache
def _appending(dialect: str) -> Any:
    free = {"enqueued_at": now(), "owner": null(), "lease_until": 0.0, "claims": 0}
    return insert(inbox, dialect).values(free).on_conflict_do_nothing()


@cache
def _taking(dialect: str) -> Any:
    """An insert under a lease, or a take-over where the row is there and free; it returns the rows taken."""
    new = insert(inbox, dialect).values(enqueued_at=now(), lease_until=_FROM_NOW, claims=1)
    taken = {
        "owner": new.excluded.owner,
        "lease_until": new.excluded.lease_until,
        "claims": inbox.c.claims + 1,
    }
    return new.on_conflict_do_update(
        index_elements=[inbox.c.key, inbox.c.digest], set_=taken, where=_FREE
    ).returning(inbox.c.id, inbox.c.key, inbox.c.digest, inbox.c.claims)


def _insert_or_take(
    connection: Connection, inputs: Sequence[Input], claimant: Claimant
) -> list[tuple[int, str, str, int]]:
    """The id, key, digest and claims of the rows that are the claimant's from now on, in their order."""
    lease = {"owner": claimant.owner, "lease_s": claimant.lease_s}
    columns = [_columns(given) | lease for given in inputs]
    rows = connection.execute(_taking(dialect_of(connection)), columns)
    return sorted((row_id, key, digest, claims) for row_id, key, digest, claims in rows)


def _stored(connection: Connection, ids: Sequence[int]) -> dict[int, Input]:
    """The inputs of rows that were there before: the first of two copies counts, whoever brings it."""
    stored: dict[int, Input] = {}
    for start in range(0, len(ids), _AT_ONCE):
        found = connection.execute(_ROWS, {"ids": ids[start : start + _AT_ONCE]})
        stored |= {row_id: Input(*row) for row_id, *row in found}
    return stored


def _columns(given: Input) -> dict[str, Any]:
    return {"key": given.key, "digest": given.digest, "raw": given.raw, "ref": given.ref}


def _known(connection: Connection, inputs: Sequence[Input], claimant: Claimant) -> _Known:
    known = _Known()
    for start in range(0, len(inputs), _AT_ONCE):
        _learn(known, connection, inputs[start : start + _AT_ONCE], claimant)
    return known


def _learn(known: _Known, connection: Connection, inputs: Sequence[Input], claimant: Claimant) -> None:
    keys = {given.key for given in inputs}
    asked = {
        "keys": list(keys),
        "either_keys": list(keys | {given.spare_key for given in inputs}),
        "task": claimant.task,
        "versions": list(claimant.versions),
    }
    for key, digest, row_id, owner in connection.execute(_KNOWN, asked):
        if row_id is None:
            known.settled.add((key, digest))
            known.settled_keys.add(key)
        else:
            known.owners[key, digest] = owner
            known.first[key] = min(known.first.get(key, row_id), row_id)
