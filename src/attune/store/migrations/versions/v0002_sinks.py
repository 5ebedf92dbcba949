"""Outcomes get a number in the order of their writing, and sinks a position in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = """
UPDATE outcomes SET seq = numbered.seq FROM (
    SELECT key, task, task_version, row_number() OVER (ORDER BY created_at, key, task, task_version) AS seq
    FROM outcomes
) AS numbered
WHERE outcomes.key = numbered.key AND outcomes.task = numbered.task
    AND outcomes.task_version = numbered.task_version
"""


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("seq", sa.BigInteger))
    op.execute(_NUMBER)
    op.create_index("outcomes_turn", "outcomes", ["task", "seq"])
    op.create_table("last_outcome", sa.Column("seq", sa.BigInteger, nullable=False))
    op.execute("INSERT INTO last_outcome (seq) SELECT coalesce(max(seq), 0) FROM outcomes")
    op.create_table(
        "sinks",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("sent", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", "task", name="sinks_name"),
    )
