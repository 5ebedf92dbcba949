"""The search over settled chats: each database's own index, of words that are cut here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, column, select, table, text

from attune.store.desk.words import marks, terms, words
from attune.store.outcomes import COLUMNS, StoredOutcome, stored
from attune.store.schema import dialect_of, outcomes

_INSERT = {
    "sqlite": text("INSERT INTO search (rowid, words) VALUES (:number, :words)"),
    "postgresql": text("INSERT INTO search (number, words) VALUES (:number, CAST(:words AS tsvector))"),
}
_MATCH = {
    "sqlite": text("search MATCH :wanted"),
    "postgresql": text("words @@ CAST(:wanted AS tsquery)"),
}
_MAX = 2**63 - 1
_CLOCK_S = 86_400.0
"""A clock that is set back by less than this loses the search no chat."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked for: all of the words, all of the facts that are not None, and chats that were settled
    from `since` to before `until`, in seconds since 1970."""

    words: str = ""
    language: str | None = None
    channel: str | None = None
    place: str | None = None
    sentiment: str | None = None
    model: str | None = None
    arm: str | None = None
    user_id: str | None = None
    since: float | None = None
    until: float | None = None

    @property
    def facts(self) -> dict[str, str]:
        names = ("language", "channel", "place", "sentiment", "model", "arm", "user_id")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Found:
    number: int
    outcome: StoredOutcome


def add(connection: Connection, chats: Sequence[tuple[int, str, Mapping[str, str]]]) -> None:
    """Make chats findable: their number, text and facts."""
    dialect = dialect_of(connection)
    rows = [{"number": number, "words": _document(dialect, said, facts)} for number, said, facts in chats]
    if rows:
        connection.execute(_INSERT[dialect], rows)


def search(connection: Connection, look: Look, before: int | None, limit: int) -> tuple[Found, ...]:
    """Chats that fit, newest first, below number `before`."""
    if look.words.strip() and not terms(look.words):
        return ()
    low, high = _bounds(connection, look, before)
    which = [outcomes.c.seq > low, outcomes.c.seq < high, *_at(look)]
    wanted = [*terms(look.words), *([mark] for mark in marks(look.facts))]
    if wanted:
        numbers = _matching(dialect_of(connection), wanted, look, low, high).limit(limit)
        which = [outcomes.c.seq.in_(list(connection.execute(numbers).scalars()))]
    query = select(outcomes.c.seq, *COLUMNS).where(outcomes.c.place != "dead", *which)
    rows = connection.execute(query.order_by(outcomes.c.seq.desc()).limit(limit))
    return tuple(Found(row.seq, stored({c.name: getattr(row, c.name) for c in COLUMNS})) for row in rows)


def _bounds(connection: Connection, look: Look, before: int | None) -> tuple[int, int]:
    """Between which numbers chats of that time are, a day wider: numbers are given in the order of time, but
    for a clock that was set back."""
    at, low, high = outcomes.c.created_at, 0, _MAX if before is None else before
    if look.since is not None:
        last = select(outcomes.c.seq).where(at < look.since - _CLOCK_S).order_by(at.desc()).limit(1)
        low = connection.execute(last).scalar() or 0
    if look.until is not None:
        first = select(outcomes.c.seq).where(at >= look.until + _CLOCK_S).order_by(at).limit(1)
        high = min(high, connection.execute(first).scalar() or _MAX)
    return low, high


def _at(look: Look) -> list[ColumnElement[bool]]:
    since = [] if look.since is None else [outcomes.c.created_at >= look.since]
    return since if look.until is None else [*since, outcomes.c.created_at < look.until]


def _matching(dialect: str, wanted: Sequence[Sequence[str]], look: Look, low: int, high: int) -> Select[int]:
    """The numbers of the chats that have all that is wanted, newest first."""
    name = "rowid" if dialect == "sqlite" else "number"
    index = table("search", column(name, BigInteger))
    number: ColumnElement[int] = index.c[name]
    found = select(number).where(_MATCH[dialect], number > low, number < high).order_by(number.desc())
    if at := _at(look):
        found = found.join_from(index, outcomes, outcomes.c.seq == number).where(*at)
    return found.params(wanted=_query(dialect, wanted))


def _query(dialect: str, wanted: Sequence[Sequence[str]]) -> str:
    """Words have neither quotes nor blanks: they are letters and digits."""
    if dialect == "sqlite":
        return " AND ".join(" + ".join(f'"{word}"' for word in term) + "*" for term in wanted)
    return " & ".join("(" + " <-> ".join(f"'{word}'" for word in term) + ":*)" for term in wanted)


def _document(dialect: str, said: str, facts: Mapping[str, str]) -> str:
    found = [*marks(facts), *words(said)]
    if dialect == "sqlite":
        return " ".join(found)
    places: dict[str, list[int]] = {}
    for place, word in enumerate(found, start=1):
        places.setdefault(word[:500], []).append(place)
    return " ".join(f"'{word}':{','.join(map(str, at[:255]))}" for word, at in places.items())
