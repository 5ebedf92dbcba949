"""Remarks on a chat that need no claim: corrected fields and ratings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from attune.desk.refusal import Refused, Unknown
from attune.store.desk import audit, tally
from attune.store.desk.schema import corrections, ratings
from attune.store.desk.tally import About, Count
from attune.store.schema import dialect_of, insert, now, outcomes


def correct(connection: Connection, number: int, person: str, values: Mapping[str, Any]) -> None:
    _outcome(connection, number)
    rows = [
        {"number": number, "field": name, "value": value, "person": person} for name, value in values.items()
    ]
    if rows:
        connection.execute(corrections.insert().values(corrected_at=now()), rows)
        audit.note(connection, person, "corrected", audit.chat(number), **values)


def rate(connection: Connection, number: int, person: str, stars: int) -> None:
    if stars not in range(1, 6):
        raise Refused("A rating is 1 to 5 stars.")
    outcome = _outcome(connection, number)
    mine = select(ratings.c.stars).where(ratings.c.number == number, ratings.c.person == person)
    before = connection.execute(mine.with_for_update()).scalar()
    new = insert(ratings, dialect_of(connection)).values(
        number=number, person=person, stars=stars, rated_at=now()
    )
    over = {"stars": new.excluded.stars, "rated_at": new.excluded.rated_at}
    connection.execute(new.on_conflict_do_update(index_elements=["number", "person"], set_=over))
    # By the chat's own time: the sum of a day can then be changed when a rating is.
    counts = [Count("rating", str(stars), outcome.created_at)]
    if before is not None:
        counts.append(Count("rating", str(before), outcome.created_at, -1))
    about = About(outcome.task, outcome.language or "", outcome.channel or "", outcome.model, outcome.arm)
    tally.add(connection, about, counts)
    audit.note(connection, person, "rated", audit.chat(number), stars=stars)


def _outcome(connection: Connection, number: int) -> Row[Any]:
    row = connection.execute(select(outcomes).where(outcomes.c.seq == number)).one_or_none()
    if row is None:
        raise Unknown(f"There is no chat {number}.")
    return row
