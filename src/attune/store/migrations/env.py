"""Run by Alembic: the connection, its transaction and its lock are the caller's."""

from __future__ import annotations

from alembic import context

from attune.store.migrate import VERSION_TABLE
from attune.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
