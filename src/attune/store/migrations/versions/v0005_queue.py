"""The queue is filtered by model and arm, and its counts are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SORT = ("language", "channel", "model", "arm")
_COPY = """
UPDATE reviews SET model = outcome.model, arm = outcome.arm
FROM outcomes AS outcome
WHERE reviews.key = outcome.key AND reviews.task = outcome.task
    AND reviews.task_version = outcome.task_version
"""
_COUNT = """
INSERT INTO open_items (language, channel, model, arm, n)
SELECT COALESCE(language, ''), COALESCE(channel, ''), model, arm, COUNT(*)
FROM reviews WHERE status = 'open' GROUP BY 1, 2, 3, 4
"""


def upgrade() -> None:
    for name in ("model", "arm"):
        op.add_column("reviews", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.execute(_COPY)
    op.drop_index("reviews_waiting", "reviews")
    covered = ["number", "status", "created_at", *_SORT, "holder", "assignee", "lease_until"]
    _index("reviews_waiting", covered, "status = 'open'")
    op.drop_index("reviews_hands", "reviews")
    _index("reviews_held", ["holder"], "status = 'open' AND holder IS NOT NULL")
    _index("reviews_handed", ["assignee"], "status = 'open' AND assignee IS NOT NULL")
    op.create_table(
        "open_items",
        *(sa.Column(name, sa.Text, nullable=False) for name in _SORT),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*_SORT, name="open_items_sort"),
        sqlite_with_rowid=False,
    )
    op.execute(_COUNT)


def _index(name: str, columns: list[str], which: str) -> None:
    of = sa.text(which)
    op.create_index(name, "reviews", columns, sqlite_where=of, postgresql_where=of)
