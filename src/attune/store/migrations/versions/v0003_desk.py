"""The review desk: leases and decisions, the outbox, people, the audit, sums and the search."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_COPY = """
UPDATE reviews SET number = outcome.seq, user_id = outcome.user_id, language = outcome.language,
    channel = outcome.channel
FROM outcomes AS outcome
WHERE reviews.key = outcome.key AND reviews.task = outcome.task
    AND reviews.task_version = outcome.task_version
"""
_OPEN = "status = 'open'"
_FIXED = "the audit only grows: what was written stays"
_SQLITE = f"""
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_FIXED}'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{_FIXED}'); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, '{_FIXED}'); END;
CREATE VIRTUAL TABLE search USING fts5(words, content = '', tokenize = 'unicode61 remove_diacritics 0')
"""  # noqa: S608 - our own words
_POSTGRES = f"""
CREATE FUNCTION attune_audit_is_fixed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{_FIXED}'; END $$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION attune_audit_is_fixed();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION attune_audit_is_fixed();
CREATE TABLE search (number BIGINT PRIMARY KEY, words TSVECTOR NOT NULL);
CREATE INDEX search_words ON search USING gin (words)
"""


def upgrade() -> None:
    _reviews()
    _chats()
    _work()
    _outbox()
    _audit()
    _people()
    _insight()


def _reviews() -> None:
    op.add_column("reviews", sa.Column("number", sa.BigInteger))
    for name in ("user_id", "language", "channel", "holder", "lease", "assignee", "note"):
        op.add_column("reviews", sa.Column(name, sa.Text))
    op.add_column("reviews", sa.Column("lease_until", sa.Double, nullable=False, server_default="0"))
    op.add_column("reviews", sa.Column("claimed_at", sa.Double))
    op.execute(_COPY)
    op.drop_index("reviews_status", "reviews")  # those of open items alone take its place
    op.create_index("reviews_number", "reviews", ["number"], unique=True)
    covered = ["number", "status", "created_at", "language", "channel", "holder", "assignee", "lease_until"]
    waiting = sa.text(_OPEN)
    op.create_index("reviews_waiting", "reviews", covered, sqlite_where=waiting, postgresql_where=waiting)
    hands = sa.text(f"{_OPEN} AND (holder IS NOT NULL OR assignee IS NOT NULL)")
    columns = ["holder", "assignee", "lease_until"]
    op.create_index("reviews_hands", "reviews", columns, sqlite_where=hands, postgresql_where=hands)
    op.create_index("dead_letters_input", "dead_letters", ["input_key"])
    op.create_index("outcomes_user", "outcomes", ["user_id", "seq"])
    op.create_index("outcomes_seq", "outcomes", ["seq"])


def _work() -> None:
    op.create_table(
        "working_drafts",
        _number(),
        *_texts("person", "text"),
        sa.Column("version", sa.Integer, nullable=False),
        *_doubles("saved_at"),
        sa.PrimaryKeyConstraint("number", "person", name="working_drafts_name"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text, primary_key=True),
        _number(),
        *_texts("lease", "person", "kind", "draft", "instruction", "text", "reason", "words", "acknowledged"),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("distance", "units")),
        *_doubles("waited_s", "worked_s", "decided_at"),
        sa.Column("undone_at", sa.Double),
        sa.CheckConstraint("kind IN ('approved', 'edited', 'rejected')", name="decisions_kind"),
    )
    op.create_index("decisions_lease", "decisions", ["lease"], unique=True)
    op.create_index("decisions_time", "decisions", ["decided_at"])
    op.create_index("decisions_of", "decisions", ["number"])
    stands = sa.text("undone_at IS NULL")
    op.create_index(
        "decisions_one", "decisions", ["number"], unique=True, sqlite_where=stands, postgresql_where=stands
    )
    op.create_table(
        "corrections",
        _row_id(),
        _number(),
        *_texts("field"),
        sa.Column("value", sa.JSON, nullable=False),
        *_texts("person"),
        *_doubles("corrected_at"),
    )
    op.create_index("corrections_of", "corrections", ["number", "id"])
    op.create_table(
        "ratings",
        _number(),
        *_texts("person"),
        sa.Column("stars", sa.Integer, nullable=False),
        *_doubles("rated_at"),
        sa.PrimaryKeyConstraint("number", "person", name="ratings_name"),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="ratings_stars"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        _row_id(),
        *_texts("decision"),
        _number(),
        sa.Column("reply", sa.JSON, nullable=False),
        *_texts("state"),
        *_doubles("due_at"),
        sa.Column("tries", sa.Integer, nullable=False),
        *_texts("error"),
        sa.Column("owner", sa.Text),
        *_doubles("lease_until", "created_at"),
        sa.Column("sent_at", sa.Double),
        sa.Column("sent_seq", sa.BigInteger),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed')", name="outbox_state"),
    )
    due = sa.text("state = 'waiting'")
    op.create_index("outbox_decision", "outbox", ["decision"], unique=True)
    op.create_index("outbox_due", "outbox", ["due_at"], sqlite_where=due, postgresql_where=due)
    op.create_index("outbox_failed", "outbox", ["state", "id"])
    op.create_index("outbox_sent", "outbox", ["sent_seq"])
    op.create_table("last_reply", sa.Column("seq", sa.BigInteger, nullable=False))
    op.execute("INSERT INTO last_reply (seq) VALUES (0)")


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        *_doubles("at"),
        *_texts("person", "act", "subject", "detail", "hash"),
    )
    op.create_index("audit_subject", "audit", ["subject", "seq"])
    op.create_table("audit_head", sa.Column("seq", sa.BigInteger, nullable=False), *_texts("hash"))
    op.execute("INSERT INTO audit_head (seq, hash) VALUES (0, '')")
    if op.get_bind().dialect.name == "sqlite":
        for statement in _SQLITE.strip().split(";\nCREATE"):
            op.execute(statement if statement.startswith("CREATE") else f"CREATE{statement}")
    else:
        op.execute(_POSTGRES)


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text, primary_key=True),
        *_texts("role", "password"),
        *_doubles("created_at"),
        sa.Column("disabled_at", sa.Double),
        sa.CheckConstraint("role IN ('reviewer', 'lead', 'admin')", name="users_role"),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.Text, primary_key=True),
        *_texts("person"),
        *_doubles("began_at", "until"),
    )
    op.create_index("sessions_person", "sessions", ["person"])
    op.create_table(
        "logins",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        *_doubles("last_at", "free_at"),
    )
    op.create_table(
        "saved_examples",
        _row_id(),
        *_texts("task", "instruction", "input", "output"),
        sa.Column("language", sa.Text),
        *_texts("person"),
        *_doubles("saved_at"),
    )


def _chats() -> None:
    name = ["key", "task", "task_version"]
    op.create_table(
        "chats",
        *_texts(*name),
        sa.Column("chat", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint(*name, name="chats_name"),
        sa.ForeignKeyConstraint(
            name, [f"outcomes.{column}" for column in name], name="chats_outcome", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )


def _insight() -> None:
    name = ["span", "measure", "start", "task", "language", "channel", "model", "value"]
    op.create_table(
        "tallies",
        *_texts("span"),
        sa.Column("start", sa.BigInteger, nullable=False),
        *_texts("measure", "task", "language", "channel", "model", "value"),
        sa.Column("n", sa.BigInteger, nullable=False),
        *_doubles("total"),
        sa.PrimaryKeyConstraint(*name, name="tallies_name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "folds",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _doubles(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Double, nullable=False) for name in names]


def _row_id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _number() -> sa.Column[Any]:
    return sa.Column("number", sa.BigInteger, nullable=False)
