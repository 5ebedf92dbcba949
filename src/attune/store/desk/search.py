"""The search over settled chats: each database's own index, of words that are cut here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, column, select, table, text

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


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked for: all of the words, and all of the facts that are not None."""

    words: str = ""
    language: str | None = None
    channel: str | None = None
    place: str | None = None
    sentiment: str | None = None
    model: str | None = None
    user_id: str | None = None

    @property
    def facts(self) -> dict[str, str]:
        names = ("language", "channel", "place", "sentiment", "model", "user_id")
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
    query = select(outcomes.c.seq, *COLUMNS).where(outcomes.c.place != "dead")
    if look.words.strip() and not terms(look.words):
        return ()
    wanted = [*terms(look.words), *([mark] for mark in marks(look.facts))]
    if wanted:
        numbers = _matching(dialect_of(connection), wanted, before, limit)
        found = list(connection.execute(numbers).scalars())
        query = query.where(outcomes.c.seq.in_(found))
    elif before is not None:
        query = query.where(outcomes.c.seq < before)
    rows = connection.execute(query.order_by(outcomes.c.seq.desc()).limit(limit))
    return tuple(Found(row.seq, stored({c.name: getattr(row, c.name) for c in COLUMNS})) for row in rows)


def _matching(dialect: str, wanted: Sequence[Sequence[str]], before: int | None, limit: int) -> Any:
    name = "rowid" if dialect == "sqlite" else "number"
    number = table("search", column(name, BigInteger)).c[name]
    below = number < before if before is not None else number > 0
    query = select(number).where(_MATCH[dialect], below).order_by(number.desc()).limit(limit)
    return query.params(wanted=_query(dialect, wanted))


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
