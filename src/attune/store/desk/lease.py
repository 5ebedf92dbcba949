"""Leases on review items: taken, renewed, given back, handed over. Never in two people's hands."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, literal, null, select, update

from attune.desk.refusal import Decided, LeaseLost, Refused, Taken, Unknown
from attune.store.desk import audit
from attune.store.desk.queue import LIVE, OPEN, Wanted, by_index, chosen, claimable
from attune.store.desk.schema import users
from attune.store.schema import now, reviews

_FREE = {"holder": null(), "lease": null(), "lease_until": 0.0}


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose hands an item is in: `token` names the claim, and what is done with the item shows it."""

    number: int
    person: str
    token: str


@dataclass(frozen=True, slots=True)
class Lease(Hand):
    """An item in a person's hands until `until`, in seconds since 1970 by the store's clock."""

    until: float
    seconds: float
    """How long it lasts from when this was made."""


def claim(connection: Connection, number: int, person: str, lease_s: float) -> Lease:
    """Take an item, or begin the person's own lease anew."""
    taken = connection.execute(_taking(person, lease_s).where(reviews.c.number == number)).one_or_none()
    if taken is None:
        refuse(connection, number, person)
    return _claimed(connection, taken, person, lease_s)


def claim_next(connection: Connection, person: str, lease_s: float, which: Wanted) -> Lease | None:
    """Take the oldest item that is free: those handed to the person first."""
    for mine in (by_index(reviews.c.assignee == person), reviews.c.assignee.is_(None)):
        free = select(reviews.c.number).where(*chosen(which), mine, claimable(person), ~LIVE)
        oldest = free.order_by(reviews.c.number).limit(1).with_for_update(skip_locked=True)
        taking = _taking(person, lease_s).where(reviews.c.number.in_(oldest.scalar_subquery()))
        if (taken := connection.execute(taking).one_or_none()) is not None:
            return _claimed(connection, taken, person, lease_s)
    return None


def renew(connection: Connection, hand: Hand, lease_s: float) -> Lease:
    """Begin a lease anew; one that ran out too, if nobody took the item meanwhile."""
    renewed = update(reviews).where(held(hand)).values(lease_until=now() + lease_s)
    until = connection.execute(renewed.returning(reviews.c.lease_until)).scalar()
    if until is None:
        lost(connection, hand.number)
    return Lease(hand.number, hand.person, hand.token, until, lease_s)


def check(connection: Connection, hand: Hand) -> None:
    """Raise who has the item, where these hands have it no more."""
    if connection.execute(select(reviews.c.number).where(held(hand))).one_or_none() is None:
        lost(connection, hand.number)


def give_back(connection: Connection, hand: Hand) -> bool:
    """Free an item for others; whether it was in these hands."""
    if connection.execute(update(reviews).where(held(hand)).values(_FREE)).rowcount == 0:
        return False
    audit.note(connection, hand.person, "gave back", audit.chat(hand.number))
    return True


def hand_over(connection: Connection, hand: Hand, to: str, note: str) -> None:
    """Make an item another person's, from the hands of who holds it."""
    _check_person(connection, to)
    given = update(reviews).where(held(hand)).values(_FREE | {"assignee": to, "note": note})
    if connection.execute(given).rowcount == 0:
        lost(connection, hand.number)
    audit.note(connection, hand.person, "handed over", audit.chat(hand.number), to=to, note=note)


def assign(connection: Connection, number: int, to: str | None, person: str, note: str) -> None:
    """Make an item `to`'s, or everybody's, whoever holds it."""
    if to is not None:
        _check_person(connection, to)
    given = update(reviews).where(reviews.c.number == number, reviews.c.status == OPEN)
    if connection.execute(given.values(_FREE | {"assignee": to, "note": note})).rowcount == 0:
        refuse(connection, number, person)
    audit.note(connection, person, "assigned", audit.chat(number), to=to, note=note)


def free_all(connection: Connection, person: str) -> None:
    """Give back all that a person holds or was handed: they are gone."""
    held = update(reviews).where(reviews.c.status == OPEN)
    connection.execute(held.where(reviews.c.holder == person).values(_FREE))
    connection.execute(held.where(reviews.c.assignee == person).values(assignee=null()))


def refuse(connection: Connection, number: int, person: str) -> NoReturn:
    """Raise why `person` cannot have the item."""
    row = _hands(connection, number)
    if row.status != OPEN:
        raise Decided(row.holder or "Somebody", row.status)
    if row.assignee is not None and row.assignee != person:
        raise Taken(row.assignee, None)
    raise Taken(row.holder or "Somebody", row.lease_until)


def lost(connection: Connection, number: int) -> NoReturn:
    """Raise who has the item, for whom its lease is no longer."""
    row = _hands(connection, number)
    if row.status != OPEN:
        raise Decided(row.holder or "Somebody", row.status)
    raise LeaseLost(row.holder if row.live else row.assignee)


def _taking(person: str, lease_s: float) -> Any:
    """Takes rows that the person may have. Their own lease keeps its token: two windows are one person."""
    own = reviews.c.holder == person
    values = {
        "holder": person,
        "lease": case((own, reviews.c.lease), else_=literal(secrets.token_hex(16))),
        "lease_until": now() + lease_s,
        "claimed_at": func.coalesce(reviews.c.claimed_at, now()),
    }
    taking = update(reviews).where(claimable(person)).values(values)
    return taking.returning(reviews.c.number, reviews.c.lease, reviews.c.lease_until)


def _claimed(connection: Connection, row: Row[Any], person: str, lease_s: float) -> Lease:
    audit.note(connection, person, "claimed", audit.chat(row.number), lease_s=lease_s)
    return Lease(row.number, person, row.lease, row.lease_until, lease_s)


def held(hand: Hand) -> ColumnElement[bool]:
    """Whether a row of reviews is in these hands: also after the lease ran out, while nobody took it up."""
    claim = (reviews.c.number == hand.number, reviews.c.lease == hand.token, reviews.c.holder == hand.person)
    return and_(*claim, reviews.c.status == OPEN)


def _hands(connection: Connection, number: int) -> Row[Any]:
    columns = (reviews.c.status, reviews.c.assignee, reviews.c.holder, reviews.c.lease_until)
    query = select(*columns, LIVE.label("live")).where(reviews.c.number == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise Unknown(f"There is no review item {number}.")
    return row


def _check_person(connection: Connection, name: str) -> None:
    known = select(users.c.name).where(users.c.name == name, users.c.disabled_at.is_(None))
    if connection.execute(known).one_or_none() is None:
        raise Refused(f"There is nobody called {name} to hand it to; see: attune users list")
