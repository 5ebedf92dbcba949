"""Working drafts: what a person types is kept, whether or not they still hold the item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from attune.desk.refusal import SavedElsewhere
from attune.store.desk.schema import working_drafts
from attune.store.schema import dialect_of, insert, now


@dataclass(frozen=True, slots=True)
class WorkingDraft:
    text: str
    version: int
    """How often it was saved: give it with the next saving."""
    saved_at: float


def saved(connection: Connection, number: int, person: str) -> WorkingDraft | None:
    columns = (working_drafts.c.text, working_drafts.c.version, working_drafts.c.saved_at)
    named = (working_drafts.c.number == number, working_drafts.c.person == person)
    row = connection.execute(select(*columns).where(*named)).one_or_none()
    return None if row is None else WorkingDraft(*row)


def save(connection: Connection, number: int, person: str, text: str, version: int) -> int:
    """Save over `version`, which is 0 for a first text; the new version."""
    if version == 0:
        new = insert(working_drafts, dialect_of(connection)).values(
            number=number, person=person, text=text, version=1, saved_at=now()
        )
        saving: Any = new.on_conflict_do_nothing()
    else:
        named = (working_drafts.c.number == number, working_drafts.c.person == person)
        over = update(working_drafts).where(*named, working_drafts.c.version == version)
        saving = over.values(text=text, version=version + 1, saved_at=now())
    made: int | None = connection.execute(saving.returning(working_drafts.c.version)).scalar()
    if made is not None:
        return made
    there = saved(connection, number, person)
    if there is None:
        return save(connection, number, person, text, 0)
    if there.text == text:
        return there.version  # the same saving again, whose answer was lost
    raise SavedElsewhere(there.text, there.version)


def keep(connection: Connection, number: int, person: str, text: str) -> None:
    """Save `text` over whatever is there."""
    new = insert(working_drafts, dialect_of(connection)).values(
        number=number, person=person, text=text, version=1, saved_at=now()
    )
    over = {"text": new.excluded.text, "version": working_drafts.c.version + 1, "saved_at": now()}
    connection.execute(new.on_conflict_do_update(index_elements=["number", "person"], set_=over))
