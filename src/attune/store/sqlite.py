"""SQLite: one guarded writer in this process, readers beside it, commits synced to the disk."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError

from attune.errors import StoreError
from attune.store.database import Act, T
from attune.store.text import dumps

BUSY_S = 30.0
_WAL_BYTES = 64 << 20
_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA journal_size_limit={_WAL_BYTES}",
)
_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full. Make room, then start again: nothing was half written.",
    sqlite3.SQLITE_READONLY: "it can only be read. Let this user write the file and its folder.",
    sqlite3.SQLITE_PERM: "this user may not open it. Change its permissions, or give another address.",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened. Is its folder there, and may this user write in it?",
    sqlite3.SQLITE_NOTADB: "the file is not an attune store. Give the path of another file.",
    sqlite3.SQLITE_CORRUPT: "the file is damaged. Restore a backup, or try `sqlite3 FILE .recover`.",
    sqlite3.SQLITE_BUSY: f"another process has kept it locked for {BUSY_S:.0f} s. End that one.",
    sqlite3.SQLITE_IOERR: "the disk failed or is full. See to it and start again: nothing was half written.",
}


_End = tuple[Any, BaseException | None]
"""What a write came to: its result, or what it raised."""


class Sqlite:
    """A store in one file, in WAL mode: readers never wait for the writer, nor the writer for them."""

    def __init__(self, path: Path) -> None:
        self.shown = str(path)
        self._path = path
        self._lock = threading.Lock()
        self._line: deque[tuple[Act[Any], bool, Future[Any]]] = deque()
        self._writer: Connection | None = None
        self._closed = False
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)),
            connect_args={"timeout": BUSY_S, "isolation_level": None, "check_same_thread": False},
            json_serializer=dumps,
            max_overflow=-1,  # readers never wait for each other either
            hide_parameters=True,
        )
        event.listen(self._engine, "connect", _set_up)
        self._make_folder()

    def write(self, act: Act[T], *, durable: bool = True) -> T:
        """As the port says. Writes that wait for each other share one transaction, and so one sync of the
        disk: who comes first writes for all, and each gets its own result or error when all are durable."""
        mine: Future[T] = Future()
        self._line.append((act, durable, mine))
        with self._lock:
            if not mine.done():
                self._write_line()
        return mine.result()

    def _write_line(self) -> None:
        line = [self._line.popleft() for _ in range(len(self._line))]
        try:
            with self._faults():
                synced = any(durable for _, durable, _ in line)
                ends = self._in_one_transaction([act for act, _, _ in line], synced)
        except BaseException as fault:  # noqa: BLE001 - handed to each that waits: nothing was written
            ends = [(None, fault)] * len(line)
        for (_, _, future), (value, error) in zip(line, ends, strict=True):
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

    def _in_one_transaction(self, acts: list[Act[Any]], synced: bool) -> list[_End]:
        writer = self._open_writer()
        _execute(writer, f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
        with writer.begin():
            _execute(writer, "BEGIN IMMEDIATE")  # a lock for reading could not always become one for writing
            if len(acts) == 1:
                return [(acts[0](writer), None)]
            return [self._apart(writer, act) for act in acts]

    def _apart(self, writer: Connection, act: Act[Any]) -> _End:
        """Runs `act` so that nothing of it stays if it raises, whatever else the transaction holds."""
        _execute(writer, "SAVEPOINT one")
        try:
            with self._faults():
                value = act(writer)
        except Exception as error:  # noqa: BLE001 - its own caller's, not its neighbours'
            _execute(writer, "ROLLBACK TO one")
            return None, error
        finally:
            _execute(writer, "RELEASE one")
        return value, None

    def read(self, act: Act[T]) -> T:
        with self._faults():
            self._check_open()
            with self._engine.connect() as connection:
                return act(connection)

    def migrate(self, act: Act[None]) -> None:
        self.write(act)

    def close(self) -> None:
        with self._lock, self._faults():
            self._closed = True
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._engine.dispose()

    def _make_folder(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The folder of the store {self.shown} cannot be made: {error}.") from error

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"The store {self.shown} is closed.")

    def _open_writer(self) -> Connection:
        self._check_open()
        if self._writer is None:
            self._writer = self._engine.connect()
        return self._writer

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(f"The store {self.shown}: {_advice(error.orig)}") from error
        except sqlite3.Error as error:
            raise StoreError(f"The store {self.shown}: {_advice(error)}") from error


def _execute(writer: Connection, command: str) -> None:
    driver = writer.connection.driver_connection
    assert driver is not None
    driver.execute(command)


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    _use_wal(connection)
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn WAL on. SQLite does not wait for other processes that open the same new file: we do."""
    give_up_at = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)


def _advice(error: BaseException | None) -> str:
    code = error.sqlite_errorcode & 0xFF if isinstance(error, sqlite3.Error) else 0
    return _ADVICE.get(code, f"{error}.")
