"""Examples: what people made of the model's answers, as data to tune it on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, select

from attune.desk.ruling import Kind
from attune.store.database import Database
from attune.store.desk.decide import COLUMNS, Decision, decision
from attune.store.desk.item import corrections_of, ratings_of
from attune.store.desk.schema import corrections, decisions, ratings, saved_examples
from attune.store.outcomes import COLUMNS as OUTCOME
from attune.store.outcomes import SAID, StoredOutcome, stored, with_chats
from attune.store.schema import now, outcomes, reviews

PAGE = 200


@dataclass(frozen=True, slots=True)
class Example:
    """A chat with what people said of it.

    `decision` holds draft, instruction and final text: approved as it was, edited, or rejected with its
    reason; None where only fields were corrected or stars given. `values` are the model's, `corrected` the
    people's.
    """

    number: int
    outcome: StoredOutcome
    chat: Mapping[str, Any] | None
    """None for a table row of a store that was told not to keep those."""
    draft: str
    """What the model drafted first; "" where it drafted nothing."""
    decision: Decision | None
    corrected: Mapping[str, Any]
    ratings: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Saved:
    """An example that a person wrote or chose by hand."""

    id: int
    task: str
    instruction: str
    input: str
    output: str
    language: str | None
    person: str
    saved_at: float


class Examples:
    """What people taught, oldest chat first. Undone decisions are not among it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(
        self, kind: Literal["all", "edited", "approved", "rejected", "corrected"] = "all"
    ) -> Iterator[Example]:
        """Every chat that somebody decided, corrected or rated; or only those of one kind. In small pages: a
        chat that is decided while this reads may be among them or not, none comes twice."""
        after = 0
        while page := self._database.read(partial(_page, after=after, kind=kind)):
            yield from page
            after = page[-1].number

    def save(
        self, task: str, instruction: str, text: str, output: str, language: str | None, person: str
    ) -> int:
        """Keep an example by hand: what was given, what is wanted, and the instruction with it. Its id."""
        row = {"task": task, "instruction": instruction, "input": text, "output": output}
        new = saved_examples.insert().values(
            row | {"language": language, "person": person, "saved_at": now()}
        )
        made: int = self._database.write(
            lambda connection: connection.execute(new.returning(saved_examples.c.id)).scalar_one()
        )
        return made

    def saved(self, after: int = 0, limit: int = PAGE) -> tuple[Saved, ...]:
        """Those saved by hand, behind id `after`."""
        query = select(saved_examples).where(saved_examples.c.id > after).order_by(saved_examples.c.id)
        rows = self._database.read(lambda connection: connection.execute(query.limit(limit)).all())
        return tuple(Saved(**row._asdict()) for row in rows)


def _page(connection: Connection, after: int, kind: str) -> list[Example]:
    numbers = _numbers(kind).where(outcomes.c.seq > after).order_by(outcomes.c.seq).limit(PAGE)
    joined = with_chats(select(outcomes.c.seq, *OUTCOME, SAID))
    rows = connection.execute(joined.where(outcomes.c.seq.in_(numbers)).order_by(outcomes.c.seq)).all()
    here = [row.seq for row in rows]
    made, drafts = _standing(connection, here), _drafts(connection, here)
    return [
        Example(
            number=row.seq,
            outcome=stored({column.name: getattr(row, column.name) for column in OUTCOME}),
            chat=row.chat,
            draft=drafts.get(row.seq, ""),
            decision=made.get(row.seq),
            corrected={each.field: each.value for each in corrections_of(connection, row.seq)},
            ratings=ratings_of(connection, row.seq),
        )
        for row in rows
    ]


def _numbers(kind: str) -> Any:
    stands = select(decisions.c.number).where(decisions.c.undone_at.is_(None))
    corrected, rated = select(corrections.c.number), select(ratings.c.number)
    if kind in set(Kind):
        return select(outcomes.c.seq).where(outcomes.c.seq.in_(stands.where(decisions.c.kind == kind)))
    every = corrected if kind == "corrected" else corrected.union(rated, stands)
    return select(outcomes.c.seq).where(outcomes.c.seq.in_(every))


def _drafts(connection: Connection, numbers: list[int]) -> dict[int, str]:
    query = select(reviews.c.number, reviews.c.draft).where(reviews.c.number.in_(numbers))
    return {row.number: row.draft for row in connection.execute(query)}


def _standing(connection: Connection, numbers: list[int]) -> dict[int, Decision]:
    query = select(*COLUMNS).where(decisions.c.number.in_(numbers), decisions.c.undone_at.is_(None))
    return {row.number: decision(row) for row in connection.execute(query)}
