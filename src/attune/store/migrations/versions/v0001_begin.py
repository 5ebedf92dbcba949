"""The first shape: inbox, outcomes, reviews, dead letters, attempts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NAME = ("key", "task", "task_version")


def upgrade() -> None:
    _inbox()
    _outcomes()
    _reviews()
    _dead_letters()
    _attempts()


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        *_texts("key", "digest"),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        *_texts("ref"),
        sa.Column("enqueued_at", sa.Double, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("claims", sa.Integer, nullable=False),
        sa.UniqueConstraint("key", "digest", name="inbox_input"),
        sqlite_autoincrement=True,
    )
    op.create_index("inbox_turn", "inbox", ["claims", "id"])
    owned = sa.text("owner IS NOT NULL")
    op.create_index("inbox_owner", "inbox", ["owner"], sqlite_where=owned, postgresql_where=owned)


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        *_texts(*_NAME, "place", "digest"),
        *(sa.Column(name, sa.Text) for name in ("user_id", "language", "channel")),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("values", "confidence", "flags")),
        *_texts("model"),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("prompt_tokens", "output_tokens")),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("first_slot_s", "total_s")),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint(*_NAME, name="outcomes_name"),
        sa.CheckConstraint("place IN ('table', 'review', 'dead')", name="outcomes_place"),
    )
    op.create_index("outcomes_created", "outcomes", ["created_at"])
    op.create_index("outcomes_place", "outcomes", ["place", "created_at"])


def _reviews() -> None:
    op.create_table(
        "reviews",
        *_texts(*_NAME),
        sa.Column("chat", sa.JSON, nullable=False),
        *_texts("draft", "status"),
        sa.Column("created_at", sa.Double, nullable=False),
        *_part_of_outcome("reviews"),
    )
    op.create_index("reviews_status", "reviews", ["status", "created_at"])


def _dead_letters() -> None:
    op.create_table(
        "dead_letters",
        *_texts(*_NAME, "input_key"),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        *_texts("ref", "reason", "detail"),
        sa.Column("created_at", sa.Double, nullable=False),
        *_part_of_outcome("dead_letters"),
    )
    op.create_index("dead_letters_created", "dead_letters", ["created_at"])
    op.create_index("dead_letters_reason", "dead_letters", ["reason", "created_at"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        *_texts(*_NAME),
        sa.Column("n", sa.Integer, nullable=False),
        *_texts("asked"),
        sa.Column("seed", sa.BigInteger, nullable=False),
        *_texts("text", "error"),
        sa.Column("seconds", sa.Double, nullable=False),
        *_part_of_outcome("attempts", "n"),
        sqlite_with_rowid=False,
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _part_of_outcome(table: str, *more: str) -> list[Any]:
    outcome = [f"outcomes.{column}" for column in _NAME]
    return [
        sa.PrimaryKeyConstraint(*_NAME, *more, name=f"{table}_name"),
        sa.ForeignKeyConstraint(_NAME, outcome, name=f"{table}_outcome", ondelete="CASCADE"),
    ]
