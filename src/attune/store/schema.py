"""The tables, in the words of both SQLite and PostgreSQL; what changes here needs a migration."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from attune.store.text import CleanText

metadata = MetaData()

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("key", CleanText, nullable=False),
    Column("digest", CleanText, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("ref", CleanText, nullable=False),
    Column("enqueued_at", Double, nullable=False),
    Column("owner", CleanText),
    Column("lease_until", Double, nullable=False),
    Column("claims", Integer, nullable=False),
    UniqueConstraint("key", "digest", name="inbox_input"),
    sqlite_autoincrement=True,
)
"""The durable queue and the claims of every source. A row is free when its lease is in the past."""

Index("inbox_turn", inbox.c.claims, inbox.c.id)
_OWNED = inbox.c.owner.is_not(None)
Index("inbox_owner", inbox.c.owner, sqlite_where=_OWNED, postgresql_where=_OWNED)


def _name() -> list[Column[Any]]:
    """The columns that name an outcome: an input has one for each version of each task."""
    return [Column(name, CleanText, nullable=False) for name in ("key", "task", "task_version")]


def _of_outcome(table: str) -> list[Any]:
    """What makes a row part of its outcome: it comes with it, and goes with it."""
    name = ["key", "task", "task_version"]
    of_outcome = [f"outcomes.{column}" for column in name]
    return [ForeignKeyConstraint(name, of_outcome, name=f"{table}_outcome", ondelete="CASCADE")]


outcomes = Table(
    "outcomes",
    metadata,
    *_name(),
    Column("place", CleanText, nullable=False),
    Column("digest", CleanText, nullable=False),
    Column("user_id", CleanText),
    Column("language", CleanText),
    Column("channel", CleanText),
    Column("values", JSON, nullable=False),
    Column("confidence", JSON, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("model", CleanText, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("first_slot_s", Double, nullable=False),
    Column("total_s", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("seq", BigInteger),
    Column("arm", CleanText, nullable=False, server_default=""),
    PrimaryKeyConstraint("key", "task", "task_version", name="outcomes_name"),
    CheckConstraint("place IN ('table', 'review', 'dead')", name="outcomes_place"),
)

"""`seq` numbers outcomes in the order of their commits: who has seen one can have seen all before it."""

Index("outcomes_created", outcomes.c.created_at)
Index("outcomes_turn", outcomes.c.task, outcomes.c.seq)
Index("outcomes_seq", outcomes.c.seq)
Index("outcomes_user", outcomes.c.user_id, outcomes.c.seq)
Index("outcomes_place", outcomes.c.place, outcomes.c.created_at)

reviews = Table(
    "reviews",
    metadata,
    *_name(),
    Column("chat", JSON, nullable=False),
    Column("draft", CleanText, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("number", BigInteger),
    Column("user_id", CleanText),
    Column("language", CleanText),
    Column("channel", CleanText),
    Column("holder", CleanText),
    Column("lease", CleanText),
    Column("assignee", CleanText),
    Column("note", CleanText),
    Column("lease_until", Double, nullable=False, server_default="0"),
    Column("claimed_at", Double),
    Column("model", CleanText, nullable=False, server_default=""),
    Column("arm", CleanText, nullable=False, server_default=""),
    PrimaryKeyConstraint("key", "task", "task_version", name="reviews_name"),
    *_of_outcome("reviews"),
)
"""`number` is the outcome's seq. An item is free when its lease is in the past; `assignee` is whom it was
handed to, with a note, and `lease` the token of the last claim."""

Index("reviews_number", reviews.c.number, unique=True)
_WAITS = reviews.c.status == "open"
_SORT = (reviews.c.language, reviews.c.channel, reviews.c.model, reviews.c.arm)
_SHOWN = (reviews.c.status, reviews.c.created_at, *_SORT)
_HANDS = (reviews.c.holder, reviews.c.assignee, reviews.c.lease_until)
_HELD = _WAITS & reviews.c.holder.is_not(None)
_HANDED = _WAITS & reviews.c.assignee.is_not(None)
Index("reviews_waiting", reviews.c.number, *_SHOWN, *_HANDS, sqlite_where=_WAITS, postgresql_where=_WAITS)
Index("reviews_held", reviews.c.holder, sqlite_where=_HELD, postgresql_where=_HELD)
Index("reviews_handed", reviews.c.assignee, sqlite_where=_HANDED, postgresql_where=_HANDED)

open_items = Table(
    "open_items",
    metadata,
    *(Column(name, CleanText, nullable=False) for name in ("language", "channel", "model", "arm")),
    Column("n", BigInteger, nullable=False),
    PrimaryKeyConstraint("language", "channel", "model", "arm", name="open_items_sort"),
    sqlite_with_rowid=False,
)
"""How many items are open of each sort, so that the queue counts a few rows; "" is what is not known."""

chats = Table(
    "chats",
    metadata,
    *_name(),
    Column("chat", JSON, nullable=False),
    PrimaryKeyConstraint("key", "task", "task_version", name="chats_name"),
    *_of_outcome("chats"),
    sqlite_with_rowid=False,
)
"""What was said in the chats of table rows; of review items and dead letters it is kept with those."""

dead_letters = Table(
    "dead_letters",
    metadata,
    *_name(),
    Column("input_key", CleanText, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("ref", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("detail", CleanText, nullable=False),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("key", "task", "task_version", name="dead_letters_name"),
    *_of_outcome("dead_letters"),
)
"""`input_key` is the key the input came with: not `key`, where a second chat came with a used id."""

Index("dead_letters_created", dead_letters.c.created_at)
Index("dead_letters_input", dead_letters.c.input_key)
Index("dead_letters_reason", dead_letters.c.reason, dead_letters.c.created_at)

attempts = Table(
    "attempts",
    metadata,
    *_name(),
    Column("n", Integer, nullable=False),
    Column("asked", CleanText, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("error", CleanText, nullable=False),
    Column("seconds", Double, nullable=False),
    PrimaryKeyConstraint("key", "task", "task_version", "n", name="attempts_name"),
    *_of_outcome("attempts"),
    sqlite_with_rowid=False,
)


last_outcome = Table("last_outcome", metadata, Column("seq", BigInteger, nullable=False))
"""One row: the highest number given. Who settles holds it to the end of the transaction, so that numbers
are committed in their order; it is never given again, not even if its outcome is replayed."""

sinks = Table(
    "sinks",
    metadata,
    Column("name", CleanText, nullable=False),
    Column("task", CleanText, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("error", CleanText, nullable=False),
    Column("owner", CleanText),
    Column("lease_until", Double, nullable=False),
    PrimaryKeyConstraint("name", "task", name="sinks_name"),
)
"""How far each sink has come: it has all up to `position`, and perhaps what follows up to `until`."""

splits = Table(
    "splits",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("arms", JSON, nullable=False),
    *(Column(name, CleanText, nullable=False) for name in ("action", "arm", "person", "reason")),
    Column("back_to", BigInteger),
    Column("at", Double, nullable=False),
)
"""A row for each change of the arms, and none is ever changed: the highest version is the one that serves.
`back_to` is the version whose arms a rollback brought back."""


class now(FunctionElement[float]):  # noqa: N801  (a SQL function, named as SQL functions are)
    """The database's clock in seconds since 1970: hosts that share a store need not agree on the time."""

    type = Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_sqlite(_element: now, _compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _now_postgres(_element: now, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@cache
def insert(table: Table, dialect: str) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases have and SQLAlchemy keeps apart."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgres

        return insert_postgres(table)
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite(table)


def dialect_of(connection: Connection) -> str:
    return connection.dialect.name
