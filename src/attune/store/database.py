"""The port to a database, and the address that says which one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL, Connection, Row, Select, make_url
from sqlalchemy.exc import ArgumentError

from attune.errors import StoreError

T = TypeVar("T")
Act = Callable[[Connection], T]

_FORMS = "a path, sqlite:///path or postgresql://user@host/name"


class Database(Protocol):
    """One database. Any thread may call any method; a driver's error comes out as StoreError."""

    shown: str
    """The address without its password."""

    def write(self, act: Act[T], *, durable: bool = True) -> T:
        """Run `act` in one transaction, durable when this returns; nothing of it stays if it raises.

        What is not `durable` is whole and in order too, but a power cut may take it, never a dead process.
        `act` may run more than once, each time on a clean transaction.
        """

    def read(self, act: Act[T]) -> T:
        """Run `act` on committed data; it must not keep the connection or a cursor."""

    def migrate(self, act: Act[None]) -> None:
        """Like write, and no other process is in a migrate of this database meanwhile."""

    def close(self) -> None:
        """Give back all connections; a second call does nothing."""


def rows_of(database: Database, query: Select[Any]) -> Sequence[Row[Any]]:
    """All rows of a query that has its own limit."""
    return database.read(lambda connection: connection.execute(query).all())


def connect(address: str | Path) -> Database:
    """The database at `address`. Nothing is opened before it is used, but the folder of a file is made."""
    if isinstance(address, Path) or "://" not in address:
        return _file(str(address), str(address))
    url = _parse(address)
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _file(url.database or "", address)
    if backend in ("postgresql", "postgres"):
        from attune.store.postgres import Postgres

        return Postgres(url)
    raise StoreError(f"{backend}:// is no store that attune knows: give {_FORMS}.")


def _parse(address: str) -> URL:
    try:
        return make_url(address)
    except (ArgumentError, ValueError):
        # Not chained: the cause repeats the address, and with it the password.
        raise StoreError(f"The address of the store cannot be read: give {_FORMS}.") from None


def _file(path: str, address: str) -> Database:
    from attune.store.sqlite import Sqlite

    if path in ("", ":memory:") or path.startswith("file:"):
        raise StoreError(f"{address or 'An empty address'} names no file: give {_FORMS}.")
    return Sqlite(Path(path))
