"""Outcomes and sums say which arm they come from, and splits are kept, a row for each change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEY = ("span", "measure", "start", "task", "language", "channel", "model")


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("arm", sa.Text, nullable=False, server_default=""))
    _tallies()
    op.create_table(
        "splits",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("arms", sa.JSON, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("action", "arm", "person", "reason")),
        sa.Column("back_to", sa.BigInteger),
        sa.Column("at", sa.Double, nullable=False),
    )


def _tallies() -> None:
    """Made anew: the arm is part of the key, which SQLite cannot change."""
    op.rename_table("tallies", "tallies_before")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("tallies_name", "tallies_before")
    op.create_table(
        "tallies",
        sa.Column("span", sa.Text, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("measure", "task", "language", "channel")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("model", "arm", "value")),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("total", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, "arm", "value", name="tallies_name"),
        sqlite_with_rowid=False,
    )
    kept = f"{', '.join(_KEY)}, value, n, total"
    op.execute(f"INSERT INTO tallies ({kept}, arm) SELECT {kept}, '' FROM tallies_before")  # noqa: S608 - our own words
    op.drop_table("tallies_before")
