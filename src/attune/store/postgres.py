"""PostgreSQL by psycopg 3: what many hosts share. Loaded only for an address that asks for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from attune.errors import StoreError
from attune.store.database import Act, T
from attune.store.text import dumps

TRIES = 5
_CONNECT_S = 10
_MIGRATE_LOCK = 0x6174_7475_6E65  # "attune"
_UNSYNCED = text("SET LOCAL synchronous_commit = off")
_DEADLOCK, _SERIALIZATION = "40P01", "40001"
_ADVICE = {
    "42501": "this user may not do that. Grant it CREATE on the schema, and all rights on its tables.",
    "25006": "the server only reads (is it a standby?). Give the address of the primary.",
    "53100": "the server's disk is full. Make room, then start again: nothing was half written.",
    "53300": "the server has no connection left. Raise max_connections, or run fewer workers.",
}


class Postgres:
    """A store on a server. Writers of many hosts never wait for each other's rows."""

    def __init__(self, url: URL) -> None:
        if find_spec("psycopg") is None:
            raise StoreError("PostgreSQL needs its driver: pip install 'attune[postgres]'")
        self.shown = _without_password(url)
        self._closed = False
        self._engine = create_engine(
            url.set(drivername="postgresql+psycopg").update_query_dict(_defaults(url)),
            isolation_level="READ COMMITTED",
            pool_size=8,
            max_overflow=24,
            json_serializer=dumps,
            hide_parameters=True,
        )
        event.listen(self._engine, "connect", _set_up)

    def write(self, act: Act[T], *, durable: bool = True) -> T:
        if not durable:
            return self.write(partial(_unsynced, act=act))
        with self._faults():
            self._check_open()
            for left in range(TRIES - 1, 0, -1):
                try:
                    return self._transaction(act)
                except DBAPIError as error:
                    if not _may_try_again(error):
                        raise
                time.sleep(0.01 * (TRIES - left))
            return self._transaction(act)

    def read(self, act: Act[T]) -> T:
        return self.write(act)

    def migrate(self, act: Act[None]) -> None:
        def locked(connection: Any) -> None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATE_LOCK})
            act(connection)

        self.write(locked)

    def close(self) -> None:
        self._closed = True
        self._engine.dispose()

    def _transaction(self, act: Act[T]) -> T:
        with self._engine.connect() as connection:
            result = act(connection)
            try:
                connection.commit()
            except DBAPIError as error:
                # Whether the server committed is unknown: to do it again is for the caller, who knows.
                raise StoreError(f"The store {self.shown} was lost in a commit: {error.orig}") from error
            return result

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"The store {self.shown} is closed.")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise StoreError(
                f"The store {self.shown}: all connections are in use; run fewer threads."
            ) from error
        except DBAPIError as error:
            raise StoreError(f"The store {self.shown}: {_advice(error)}") from error


def _unsynced(connection: Connection, act: Act[T]) -> T:
    connection.execute(_UNSYNCED)
    return act(connection)


def _defaults(url: URL) -> dict[str, str]:
    """Settings of the connection that the address leaves open."""
    ours = {"connect_timeout": str(_CONNECT_S), "application_name": "attune"}
    return {name: value for name, value in ours.items() if name not in url.query}


def _without_password(url: URL) -> str:
    return url.difference_update_query(["password"]).render_as_string(hide_password=True)


def _set_up(connection: Any, _: Any) -> None:
    """What is settled must survive a crash of the server, whatever the server's default is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def _may_try_again(error: DBAPIError) -> bool:
    """After a lost connection (the server restarted) or a deadlock the same transaction can succeed."""
    return error.connection_invalidated or _state(error) in (_DEADLOCK, _SERIALIZATION)


def _state(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else ""


def _advice(error: DBAPIError) -> str:
    state = _state(error)
    if state in _ADVICE:
        return _ADVICE[state]
    if isinstance(error, OperationalError) and not state:
        reason = str(error.orig).strip().removeprefix("connection failed: ")
        return f"no connection: {reason}\nIs it running? Are host, port, user, password and database right?"
    return f"{error.orig}"
