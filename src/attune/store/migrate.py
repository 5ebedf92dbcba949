"""The store's shape is brought up to this version of attune when it is opened."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

from attune.errors import StoreError
from attune.store.database import Database

HEAD = "0005"
VERSION_TABLE = "attune_version"


def migrate(database: Database) -> None:
    """Bring `database` to HEAD. Any number of processes may do this at once: one does, the others wait."""
    if database.read(revision) != HEAD:
        database.migrate(lambda connection: _upgrade(connection, database.shown))


def revision(connection: Connection) -> str | None:
    """The version of the store's shape; None for a store without tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(
        select(column("version_num")).select_from(table(VERSION_TABLE))
    ).scalar()
    return found


def _upgrade(connection: Connection, shown: str) -> None:
    current = revision(connection)
    if current == HEAD:
        return
    # Alembic costs more time to load than all the rest of a start: only a store that needs it pays.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(
            f"The store {shown} is of a newer attune: its version is {current}, and {HEAD} is the last "
            "that this one knows. Update it: pip install -U attune"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
