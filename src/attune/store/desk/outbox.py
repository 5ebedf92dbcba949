"""The outbox: approved replies on their way, one record each, until they are sent or a person must look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, func, null, select, update

from attune.desk.refusal import Unknown
from attune.store.database import Database
from attune.store.desk import audit
from attune.store.desk.schema import last_reply, outbox
from attune.store.schema import now

_NUMBER = update(last_reply).values(seq=last_reply.c.seq + 1).returning(last_reply.c.seq)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A reply in a sender's hands: `reply` goes out, under the same `key` each time."""

    id: int
    number: int
    key: str
    reply: Mapping[str, Any]
    tries: int
    """How often it was sent before, and failed or nobody knows."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply that went out; `seq` counts them in the order of their marking."""

    seq: int
    number: int
    reply: Mapping[str, Any]
    sent_at: float


@dataclass(frozen=True, slots=True)
class Stuck:
    """A reply that a person must look at: it was refused, or failed too often."""

    id: int
    number: int
    reply: Mapping[str, Any]
    tries: int
    error: str


@dataclass(frozen=True, slots=True)
class Load:
    waiting: int
    sent: int
    failed: int
    oldest_due_s: float | None
    """How long the first in line is overdue; below zero while it can still be undone."""
    error: str
    """What the one that waits longest failed with last; "" if it did not."""


class Outbox:
    """Approved replies of a store. At least once: what a sender took and did not mark is sent again, under
    the same key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, owner: str, n: int, lease_s: float) -> tuple[Parcel, ...]:
        """Up to `n` replies that are due, those due first before; for so long no other sender has them."""
        return self._database.write(partial(_take, owner=owner, n=n, lease_s=lease_s))

    def mark_sent(self, parcel: Parcel, owner: str) -> bool:
        """The receiver has it. False where another sender has taken it up meanwhile, and marks it."""
        return self._database.write(partial(_mark_sent, parcel=parcel, owner=owner))

    def mark_failed(self, parcel: Parcel, owner: str, error: str, again_s: float | None) -> None:
        """It was not sent: due again in so many seconds, or a person's to look at (None)."""
        failing = partial(_mark_failed, parcel=parcel, owner=owner, error=error, again_s=again_s)
        self._database.write(failing)

    def resend(self, id: int, person: str) -> None:  # noqa: A002 - the record's own name
        """Put a reply that is stuck back in line. Raises Unknown where it is not."""
        self._database.write(partial(_resend, row_id=id, person=person))

    def sent(self, after: int = 0, limit: int = 500) -> tuple[Sent, ...]:
        """Replies that went out, behind number `after`: a reader that keeps the last number misses none."""
        return self._database.read(partial(_sent, after=after, limit=limit))

    def stuck(self, limit: int = 100) -> tuple[Stuck, ...]:
        """Those that a person must look at, oldest first."""
        return self._database.read(partial(_stuck, limit=limit))

    def load(self) -> Load:
        return self._database.read(_load)


def _take(connection: Connection, owner: str, n: int, lease_s: float) -> tuple[Parcel, ...]:
    due = (outbox.c.state == "waiting", outbox.c.due_at <= now(), outbox.c.lease_until <= now())
    first = select(outbox.c.id).where(*due).order_by(outbox.c.due_at, outbox.c.id).limit(n)
    first = first.with_for_update(skip_locked=True)
    taken = update(outbox).where(outbox.c.id.in_(first.scalar_subquery()))
    # It counts as tried from here on: a sender that dies may have sent it.
    values = {"owner": owner, "lease_until": now() + lease_s, "tries": outbox.c.tries + 1}
    columns = (outbox.c.id, outbox.c.number, outbox.c.decision, outbox.c.reply, outbox.c.tries - 1)
    rows = connection.execute(taken.values(values).returning(*columns))
    return tuple(sorted((Parcel(*row) for row in rows), key=lambda parcel: parcel.id))


def _mark_sent(connection: Connection, parcel: Parcel, owner: str) -> bool:
    marked = update(outbox).where(*_mine(parcel, owner))
    done = {"state": "sent", "sent_at": now(), "error": "", "owner": null(), "lease_until": 0.0}
    if connection.execute(marked.values(done)).rowcount == 0:
        return False
    seq = connection.execute(_NUMBER).scalar_one()
    connection.execute(update(outbox).where(outbox.c.id == parcel.id).values(sent_seq=seq))
    audit.note(connection, "sender", "sent", audit.chat(parcel.number), decision=parcel.key)
    return True


def _mark_failed(
    connection: Connection, parcel: Parcel, owner: str, error: str, again_s: float | None
) -> None:
    free: dict[str, Any] = {"error": error, "owner": null(), "lease_until": 0.0}
    free |= {"state": "failed"} if again_s is None else {"due_at": now() + again_s}
    done = connection.execute(update(outbox).where(*_mine(parcel, owner)).values(free))
    if done.rowcount and again_s is None:
        told = {"decision": parcel.key, "error": error}
        audit.note(connection, "sender", "not sent", audit.chat(parcel.number), **told)


def _resend(connection: Connection, row_id: int, person: str) -> None:
    again = update(outbox).where(outbox.c.id == row_id, outbox.c.state == "failed")
    row = connection.execute(
        again.values(state="waiting", due_at=now(), tries=1).returning(outbox.c.number, outbox.c.decision)
    ).one_or_none()
    if row is None:
        raise Unknown(f"There is no reply {row_id} that is stuck; see: attune replies list")
    audit.note(connection, person, "sent again", audit.chat(row.number), decision=row.decision)


def _sent(connection: Connection, after: int, limit: int) -> tuple[Sent, ...]:
    columns = (outbox.c.sent_seq, outbox.c.number, outbox.c.reply, outbox.c.sent_at)
    query = select(*columns).where(outbox.c.sent_seq > after).order_by(outbox.c.sent_seq).limit(limit)
    return tuple(Sent(*row) for row in connection.execute(query))


def _stuck(connection: Connection, limit: int) -> tuple[Stuck, ...]:
    columns = (outbox.c.id, outbox.c.number, outbox.c.reply, outbox.c.tries, outbox.c.error)
    query = select(*columns).where(outbox.c.state == "failed").order_by(outbox.c.id).limit(limit)
    return tuple(Stuck(*row) for row in connection.execute(query))


def _load(connection: Connection) -> Load:
    counted = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(counted)}
    first = select((now() - outbox.c.due_at).label("late_s"), outbox.c.error)
    query = first.where(outbox.c.state == "waiting").order_by(outbox.c.due_at).limit(1)
    row: Row[Any] | None = connection.execute(query).one_or_none()
    waiting, sent, failed = (counts.get(state, 0) for state in ("waiting", "sent", "failed"))
    if row is None:
        return Load(waiting, sent, failed, None, "")
    return Load(waiting, sent, failed, row.late_s, row.error)


def _mine(parcel: Parcel, owner: str) -> tuple[Any, ...]:
    return outbox.c.id == parcel.id, outbox.c.owner == owner, outbox.c.state == "waiting"
