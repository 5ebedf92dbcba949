"""The desk's tables: decisions and what goes out, people and what they did, and sums for the pictures."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
)

from attune.store.schema import metadata
from attune.store.text import CleanText


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, CleanText, nullable=False) for name in names]


def _row_id() -> Column[Any]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _number() -> Column[Any]:
    """Which chat: the number of its outcome, outcomes.seq."""
    return Column("number", BigInteger, nullable=False)


working_drafts = Table(
    "working_drafts",
    metadata,
    _number(),
    *_texts("person", "text"),
    Column("version", Integer, nullable=False),
    Column("saved_at", Double, nullable=False),
    PrimaryKeyConstraint("number", "person", name="working_drafts_name"),
)
"""What a person was typing. It outlives the lease; `version` counts the savings."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", CleanText, primary_key=True),
    _number(),
    *_texts("lease", "person", "kind", "draft", "instruction", "text", "reason", "words", "acknowledged"),
    Column("distance", Integer, nullable=False),
    Column("units", Integer, nullable=False),
    Column("waited_s", Double, nullable=False),
    Column("worked_s", Double, nullable=False),
    Column("decided_at", Double, nullable=False),
    Column("undone_at", Double),
    CheckConstraint("kind IN ('approved', 'edited', 'rejected')", name="decisions_kind"),
)
"""`id` is the idempotency key of what goes out. One that was undone stays, with the time of it."""

_STANDS = decisions.c.undone_at.is_(None)
Index("decisions_lease", decisions.c.lease, unique=True)
Index("decisions_time", decisions.c.decided_at)
Index("decisions_of", decisions.c.number)
Index("decisions_one", decisions.c.number, unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS)

corrections = Table(
    "corrections",
    metadata,
    _row_id(),
    _number(),
    *_texts("field"),
    Column("value", JSON, nullable=False),
    *_texts("person"),
    Column("corrected_at", Double, nullable=False),
)
"""A person's value for a field of the task; the newest of a field counts, the model's own stays."""

Index("corrections_of", corrections.c.number, corrections.c.id)

ratings = Table(
    "ratings",
    metadata,
    _number(),
    *_texts("person"),
    Column("stars", Integer, nullable=False),
    Column("rated_at", Double, nullable=False),
    PrimaryKeyConstraint("number", "person", name="ratings_name"),
    CheckConstraint("stars BETWEEN 1 AND 5", name="ratings_stars"),
)

outbox = Table(
    "outbox",
    metadata,
    _row_id(),
    *_texts("decision"),
    _number(),
    Column("reply", JSON, nullable=False),
    *_texts("state"),
    Column("due_at", Double, nullable=False),
    Column("tries", Integer, nullable=False),
    *_texts("error"),
    Column("owner", CleanText),
    Column("lease_until", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("sent_at", Double),
    Column("sent_seq", BigInteger),
    CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="outbox_state"),
)
"""One record for each approval. `sent_seq` numbers what was sent, in the order of the commits."""

_DUE = outbox.c.state == "waiting"
Index("outbox_decision", outbox.c.decision, unique=True)
Index("outbox_due", outbox.c.due_at, sqlite_where=_DUE, postgresql_where=_DUE)
Index("outbox_failed", outbox.c.state, outbox.c.id)
Index("outbox_sent", outbox.c.sent_seq)

last_reply = Table("last_reply", metadata, Column("seq", BigInteger, nullable=False))
"""One row: the number of the reply that was sent last."""

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    *_texts("person", "act", "subject", "detail", "hash"),
)
"""Who did what, and when. Triggers refuse to change or remove a row, and each row's hash holds the one
before it, so that a row that is gone all the same can be seen."""

Index("audit_subject", audit.c.subject, audit.c.seq)

audit_head = Table("audit_head", metadata, Column("seq", BigInteger, nullable=False), *_texts("hash"))
"""One row: the last record's number and hash. Who writes one holds this to the end of the transaction."""

users = Table(
    "users",
    metadata,
    Column("name", CleanText, primary_key=True),
    *_texts("role", "password"),
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),
    CheckConstraint("role IN ('reviewer', 'lead', 'admin')", name="users_role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", CleanText, primary_key=True),
    *_texts("person"),
    Column("began_at", Double, nullable=False),
    Column("until", Double, nullable=False),
)
"""`hash` is of the token: who reads this table cannot log in with it."""

Index("sessions_person", sessions.c.person)

logins = Table(
    "logins",
    metadata,
    Column("subject", CleanText, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Double, nullable=False),
    Column("free_at", Double, nullable=False),
)
"""Logins that failed in a row, by user and by address, and when the next may be tried."""

saved_examples = Table(
    "saved_examples",
    metadata,
    _row_id(),
    *_texts("task", "instruction", "input", "output"),
    Column("language", CleanText),
    *_texts("person"),
    Column("saved_at", Double, nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    *_texts("span"),
    Column("start", BigInteger, nullable=False),
    *_texts("measure", "task", "language", "channel", "model", "arm", "value"),
    Column("n", BigInteger, nullable=False),
    Column("total", Double, nullable=False),
    PrimaryKeyConstraint(
        "span",
        "measure",
        "start",
        "task",
        "language",
        "channel",
        "model",
        "arm",
        "value",
        name="tallies_name",
    ),
    sqlite_with_rowid=False,
)
"""Sums by hour and by day: how many chats, decisions, ratings there were of each value."""

folds = Table(
    "folds",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""How far outcomes are in the tallies and in the search: the number of the last that is."""
