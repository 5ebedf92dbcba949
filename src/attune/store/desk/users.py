"""The people of the desk: names, roles, passwords. A name is never given away again: the audit has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, null, select, update

from attune.desk import password as passwords
from attune.desk.refusal import Refused, Unknown
from attune.desk.roles import Role
from attune.store.database import Database, rows_of
from attune.store.desk import audit, lease
from attune.store.desk.schema import sessions, users
from attune.store.schema import dialect_of, insert, now

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_COLUMNS = (users.c.name, users.c.role, users.c.created_at, users.c.disabled_at)


@dataclass(frozen=True, slots=True)
class User:
    name: str
    role: Role
    created_at: float
    disabled_at: float | None
    """When they were shut out; None: they were not."""


class Users:
    """Who may use the desk. `by` is who does it, for the audit. What cannot be done is Refused."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, role: Role, password: str, by: str) -> None:
        """Let a new person in. Raises Refused for a name that is taken, also by one who was disabled."""
        if not _NAME.fullmatch(name):
            raise Refused(
                f"{name!r:.80} is no name: give lower-case letters, digits and . _ @ + - (at most 64)"
            )
        kept = passwords.hashed(password)
        self._database.write(partial(_add, name=name, role=role, kept=kept, by=by))

    def all(self) -> tuple[User, ...]:
        """Everybody, by name, those who were disabled too."""
        query: Select[Any] = select(*_COLUMNS).order_by(users.c.name)
        return tuple(_user(row) for row in rows_of(self._database, query))

    def get(self, name: str) -> User | None:
        query: Select[Any] = select(*_COLUMNS).where(users.c.name == name)
        return next((_user(row) for row in rows_of(self._database, query)), None)

    def set_password(self, name: str, password: str, by: str) -> None:
        """Give a person another password; every session of theirs ends. Raises Unknown, Refused."""
        kept = passwords.hashed(password)
        self._database.write(partial(_change, name=name, act="password changed", by=by, password=kept))

    def set_role(self, name: str, role: Role, by: str) -> None:
        """Give a person another role, at once. Raises Refused for the last admin."""
        self._database.write(partial(_change, name=name, act="role changed", by=by, role=role))

    def disable(self, name: str, by: str) -> None:
        """Shut a person out, at once: their sessions end, what they held is free. Raises Refused for the
        last admin."""
        self._database.write(partial(_disable, name=name, by=by))

    def enable(self, name: str, by: str) -> None:
        """Let a person in again, with the password they had. Raises Unknown."""
        self._database.write(partial(_change, name=name, act="enabled", by=by, disabled_at=null()))


def end_sessions(connection: Connection, name: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.person == name))


def _add(connection: Connection, name: str, role: Role, kept: str, by: str) -> None:
    new = insert(users, dialect_of(connection)).values(name=name, role=role, password=kept, created_at=now())
    if connection.execute(new.on_conflict_do_nothing().returning(users.c.name)).one_or_none() is None:
        raise Refused(f"There is a {name} already; see: attune users list")
    audit.note(connection, by, "user added", f"user:{name}", role=role)


def _disable(connection: Connection, name: str, by: str) -> None:
    _change(connection, name, "disabled", by, disabled_at=now())
    lease.free_all(connection, name)


def _change(connection: Connection, name: str, act: str, by: str, **values: Any) -> None:
    changed = update(users).where(users.c.name == name).values(values)
    if connection.execute(changed).rowcount == 0:
        raise Unknown(f"There is nobody called {name}; see: attune users list")
    if act in ("role changed", "disabled"):
        _check_admin_left(connection, name)
    if act in ("password changed", "disabled"):
        end_sessions(connection, name)
    told = {"role": str(values["role"])} if "role" in values else {}
    audit.note(connection, by, act, f"user:{name}", **told)


def _check_admin_left(connection: Connection, name: str) -> None:
    """An admin may go only while another is left, or nobody could let anyone in."""
    admins = select(users.c.name).where(users.c.role == Role.ADMIN, users.c.disabled_at.is_(None))
    everyone = select(users.c.name).where(users.c.disabled_at.is_(None), users.c.name != name)
    left = connection.execute(admins.limit(1)).one_or_none()
    if left is None and connection.execute(everyone.limit(1)).one_or_none() is not None:
        raise Refused(f"{name} is the last admin: make another one first (attune users role NAME admin)")


def _user(row: Row[Any]) -> User:
    return User(**row._asdict() | {"role": Role(row.role)})
