"""The audit: who did what and when, append-only, each record's hash holding the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from attune.chat import clean
from attune.store.database import Database, rows_of
from attune.store.desk.schema import audit, audit_head
from attune.store.schema import now

PAGE = 1000
_NEXT = (
    update(audit_head)
    .values(seq=audit_head.c.seq + 1)
    .returning(audit_head.c.seq, audit_head.c.hash, now().label("at"))
)


@dataclass(frozen=True, slots=True)
class Record:
    """One act: `subject` is "chat:12" (by its number), "user:ann" or "session:ann"."""

    seq: int
    at: float
    person: str
    act: str
    subject: str
    detail: str
    """A JSON object."""
    hash: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How many records follow from one another, the last one's number and hash, and the first fault or ""."""

    records: int
    seq: int
    hash: str
    fault: str


class Audit:
    """The records of a store. They can be read and checked; only the desk's own acts write them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def records(self, subject: str | None = None, after: int = 0) -> Iterator[Record]:
        """Records in their order, behind number `after`, in small pages."""
        query = _about(subject).order_by(audit.c.seq).limit(PAGE)
        while rows := rows_of(self._database, query.where(audit.c.seq > after)):
            yield from (_record(row) for row in rows)
            after = rows[-1].seq

    def newest(self, subject: str | None = None, before: int | None = None, limit: int = 100) -> list[Record]:
        """The last records, newest first; the next page is `before` the number of the last of them."""
        query = _about(subject).order_by(audit.c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.seq < before)
        return [_record(row) for row in rows_of(self._database, query)]

    def verify(self, known: tuple[int, str] | None = None) -> Checked:
        """Whether every record is there as it was written.

        A record that was changed or removed breaks the chain; records removed from the end do not fit the
        head. Who can write the database could make the whole chain anew: keep the number and hash that
        this gives elsewhere, and give them as `known` the next time.
        """
        last, count = Record(0, 0.0, "", "", "", "", ""), 0
        head = self._head()
        for record in self.records():
            if record.seq > head[0]:
                break  # written while this reads
            if fault := _fault(last, record, known):
                return Checked(count, last.seq, last.hash, fault)
            last, count = record, count + 1
        fault = "" if head == (last.seq, last.hash) else f"the records after number {last.seq} are gone"
        if known is not None and known[0] > last.seq and not fault:
            fault = f"the records after number {last.seq} are gone: there was a number {known[0]}"
        return Checked(count, last.seq, last.hash, fault)

    def _head(self) -> tuple[int, str]:
        row = self._database.read(lambda connection: connection.execute(select(audit_head)).one())
        return row.seq, row.hash


def note(connection: Connection, person: str, act: str, subject: str, **detail: Any) -> None:
    """Append a record in the caller's transaction; nobody else appends before that ends."""
    head = connection.execute(_NEXT).one()
    told = clean(json.dumps(detail, ensure_ascii=False, sort_keys=True, default=str))
    record = Record(head.seq, head.at, clean(person), act, clean(subject), told, "")
    hashed = _hash(head.hash, record)
    named = {name: getattr(record, name) for name in ("seq", "at", "person", "act", "subject", "detail")}
    connection.execute(audit.insert(), named | {"hash": hashed})
    connection.execute(update(audit_head).values(hash=hashed))


def chat(number: int) -> str:
    """The subject of acts on a chat."""
    return f"chat:{number}"


def _about(subject: str | None) -> Select[Any]:
    return select(audit) if subject is None else select(audit).where(audit.c.subject == subject)


def _fault(last: Record, record: Record, known: tuple[int, str] | None) -> str:
    if record.seq != last.seq + 1:
        return f"number {last.seq + 1} is gone"
    if record.hash != _hash(last.hash, record):
        return f"number {record.seq} was changed"
    if known is not None and known[0] == record.seq and known[1] != record.hash:
        return f"number {record.seq} is not what it was: the chain was made anew"
    return ""


def _hash(before: str, record: Record) -> str:
    said = [before, record.seq, record.at, record.person, record.act, record.subject, record.detail]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _record(row: Row[Any]) -> Record:
    return Record(**row._asdict())
