"""Logins and sessions. A token is shown to nobody but its browser: the store has its hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, select, update

from attune.desk import password as passwords
from attune.desk.backoff import FREE_TRIES, pause_s
from attune.desk.refusal import Refused
from attune.desk.roles import Role
from attune.store.database import Database
from attune.store.desk import audit
from attune.store.desk.schema import logins, sessions, users
from attune.store.desk.users import User
from attune.store.schema import dialect_of, insert, now

_FORGET_S = 86_400.0


class BadLogin(Refused):
    """The name or the password is wrong: which of them is not said."""

    def __init__(self) -> None:
        super().__init__("Name or password is wrong.")


class TooMany(Refused):
    """Logins failed so often that the next has to wait."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"Too many logins failed. Try again in {max(1, round(wait_s)):,} s.")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Session:
    token: str
    """For the browser's cookie; it cannot be had again."""
    person: str
    until: float


class Sessions:
    """Who is logged in. Any thread may call any method."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def login(self, name: str, password: str, address: str, life_s: float) -> Session:
        """Begin a session of so many seconds. Raises BadLogin; TooMany where too many failed before, for
        this name or from this address.

        A try counts before its password is looked at, so that many at once are no way around the pause.
        """
        subjects = (f"user:{name}", f"address:{address}")
        kept = self._database.write(partial(_try, name=name, subjects=subjects))
        if not passwords.fits(password, kept) or kept is None:
            self._database.write(partial(_note, person=name, act="login failed", address=address))
            raise BadLogin
        again = passwords.hashed(password) if passwords.is_old(kept) else None
        token = secrets.token_urlsafe(32)
        begun = partial(
            _begin, name=name, token=token, life_s=life_s, subjects=subjects, again=again, kept=kept
        )
        until = self._database.write(begun)
        self._database.write(partial(_note, person=name, act="logged in", address=address))
        return Session(token, name, until)

    def person(self, token: str) -> User | None:
        """Whose session it is; None where it ended, its password was changed, or the person was disabled."""
        live = (sessions.c.hash == _hash(token), sessions.c.until > now(), users.c.disabled_at.is_(None))
        columns = (users.c.name, users.c.role, users.c.created_at, users.c.disabled_at)
        query = select(*columns).join_from(sessions, users, users.c.name == sessions.c.person).where(*live)
        row = self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else User(**row._asdict() | {"role": Role(row.role)})

    def logout(self, token: str) -> None:
        """End a session; one that has ended stays so."""
        self._database.write(partial(_end, token=token))


def _try(connection: Connection, name: str, subjects: tuple[str, str]) -> str | None:
    """The password's hash; None where nobody is called so. The try counts as failed until it succeeds."""
    connection.execute(delete(logins).where(logins.c.last_at < now() - _FORGET_S))
    for subject in subjects:
        new = insert(logins, dialect_of(connection)).values(
            subject=subject, failures=0, last_at=now(), free_at=0.0
        )
        connection.execute(new.on_conflict_do_nothing())
        row = connection.execute(
            select(logins.c.failures, (logins.c.free_at - now()).label("wait_s"))
            .where(logins.c.subject == subject)
            .with_for_update()
        ).one()
        if row.wait_s > 0:
            raise TooMany(row.wait_s)
        kind, failures = subject.partition(":")[0], row.failures + 1
        counted = {
            "failures": failures,
            "last_at": now(),
            "free_at": now() + pause_s(failures, FREE_TRIES[kind]),
        }
        connection.execute(update(logins).where(logins.c.subject == subject).values(counted))
    known = select(users.c.password).where(users.c.name == name, users.c.disabled_at.is_(None))
    found: str | None = connection.execute(known).scalar()
    return found


def _begin(
    connection: Connection,
    name: str,
    token: str,
    life_s: float,
    subjects: tuple[str, str],
    again: str | None,
    kept: str,
) -> float:
    """The session, unless the password was changed while it was looked at."""
    same = (users.c.name == name, users.c.password == kept, users.c.disabled_at.is_(None))
    if connection.execute(select(users.c.name).where(*same).with_for_update()).one_or_none() is None:
        raise BadLogin
    if again is not None:
        connection.execute(update(users).where(users.c.name == name).values(password=again))
    user, address = subjects
    connection.execute(delete(logins).where(logins.c.subject == user))
    one_less = update(logins).where(logins.c.subject == address, logins.c.failures > 0)
    connection.execute(one_less.values(failures=logins.c.failures - 1, free_at=0.0))
    connection.execute(delete(sessions).where(sessions.c.until <= now()))
    new = sessions.insert().values(hash=_hash(token), person=name, began_at=now(), until=now() + life_s)
    until: float = connection.execute(new.returning(sessions.c.until)).scalar_one()
    return until


def _end(connection: Connection, token: str) -> None:
    gone = delete(sessions).where(sessions.c.hash == _hash(token)).returning(sessions.c.person)
    person = connection.execute(gone).scalar()
    if person is not None:
        _note(connection, person, "logged out")


def _note(connection: Connection, person: str, act: str, **detail: Any) -> None:
    audit.note(connection, person, act, f"user:{person}", **detail)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
