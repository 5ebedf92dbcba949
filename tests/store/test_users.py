"""The people of the desk: let in by password, shut out at once, slowed down where they guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from attune.desk.refusal import Refused, Taken, Unknown
from attune.desk.roles import Role
from attune.outcome import Place
from attune.store import Store
from attune.store.database import rows_of
from attune.store.desk.sessions import BadLogin, Session, TooMany

Make = Callable[..., Any]
PASSWORD = "a long password"
HOME = "127.0.0.1"


@pytest.fixture
def people(store: Store) -> None:
    store.users.add("root", Role.ADMIN, PASSWORD, "test")
    store.users.add("ann", Role.REVIEWER, PASSWORD, "test")
    store.users.add("bob", Role.LEAD, PASSWORD, "test")


def login(store: Store, name: str = "ann", password: str = PASSWORD, address: str = HOME) -> Session:
    return store.sessions.login(name, password, address, 3600)


def pass_time(store: Store) -> None:
    store._database.write(lambda c: c.execute(text("UPDATE logins SET free_at = 0")))


@pytest.mark.usefixtures("people")
def test_a_session_begins_by_password_and_ends_by_logout(store: Store) -> None:
    session = login(store)
    found = store.sessions.person(session.token)
    assert found is not None
    assert (found.name, found.role) == ("ann", Role.REVIEWER)
    assert store.sessions.person(session.token + "x") is None
    store.sessions.logout(session.token)
    store.sessions.logout(session.token)
    assert store.sessions.person(session.token) is None


@pytest.mark.usefixtures("people")
def test_a_session_has_an_end(store: Store) -> None:
    assert store.sessions.person(store.sessions.login("ann", PASSWORD, HOME, -1).token) is None


@pytest.mark.usefixtures("people")
def test_neither_password_nor_token_is_in_the_store(store: Store) -> None:
    session = login(store)
    for query in ("SELECT password FROM users", "SELECT hash FROM sessions", "SELECT detail FROM audit"):
        rows = [str(row[0]) for row in rows_of(store._database, text(query))]  # type: ignore[arg-type]
        assert rows
        assert all(PASSWORD not in row and session.token not in row for row in rows)


@pytest.mark.usefixtures("people")
def test_a_changed_password_ends_all_sessions(store: Store) -> None:
    session = login(store)
    store.users.set_password("ann", "another password", "root")
    assert store.sessions.person(session.token) is None
    with pytest.raises(BadLogin):
        login(store)
    assert login(store, password="another password").person == "ann"


@pytest.mark.usefixtures("people")
def test_who_is_disabled_is_out_at_once_and_what_they_held_is_free(
    store: Store, given: Make, worker: Make, ended: Make
) -> None:
    (item,) = worker().admit(given("a")).items
    store.settle([ended(item, Place.REVIEW)])
    (line,) = store.reviews.waiting()
    held = store.reviews.claim(line.number, "bob", 60)
    store.reviews.hand_over(held, "ann", "you know them")
    with pytest.raises(Taken, match="ann was given this item"):
        store.reviews.claim(line.number, "bob", 60)
    session = login(store)
    store.users.disable("ann", "root")
    assert store.sessions.person(session.token) is None
    with pytest.raises(BadLogin):
        login(store)
    with pytest.raises(Refused, match="nobody called ann"):
        store.reviews.hand_over(store.reviews.claim(line.number, "bob", 60), "ann")
    store.users.enable("ann", "root")
    assert login(store).person == "ann"


@pytest.mark.usefixtures("people")
def test_a_lead_can_take_an_item_from_anybody(store: Store, given: Make, worker: Make, ended: Make) -> None:
    (item,) = worker().admit(given("a")).items
    store.settle([ended(item, Place.REVIEW)])
    (line,) = store.reviews.waiting()
    store.reviews.claim(line.number, "ann", 60)
    store.reviews.assign(line.number, "bob", "root", "urgent")
    found = store.reviews.claim_next("bob", 60)
    assert found is not None
    assert store.reviews.item(line.number, "bob").note == "urgent"
    store.reviews.assign(line.number, None, "root")
    assert store.reviews.claim(line.number, "ann", 60).person == "ann"


@pytest.mark.usefixtures("people")
def test_guessing_is_slowed_down_by_name_and_by_address(store: Store) -> None:
    for _ in range(4):
        with pytest.raises(BadLogin, match="Name or password is wrong"):
            login(store, password="wrong password")
    with pytest.raises(TooMany, match=r"Try again in [1-4] s"):
        login(store)
    assert login(store, "bob").person == "bob"
    pass_time(store)
    assert login(store).person == "ann"
    with pytest.raises(BadLogin):
        login(store, "nobody", address="10.0.0.9")
    many = text("UPDATE logins SET failures = 20 WHERE subject = 'address:10.0.0.9'")
    store._database.write(lambda c: c.execute(many))
    with pytest.raises(BadLogin):
        login(store, "another", address="10.0.0.9")
    with pytest.raises(TooMany):
        login(store, "bob", address="10.0.0.9")
    assert login(store, "bob").person == "bob"


@pytest.mark.usefixtures("people")
def test_names_are_never_given_away_again_and_one_admin_stays(store: Store) -> None:
    store.users.disable("ann", "root")
    with pytest.raises(Refused, match="There is a ann already"):
        store.users.add("ann", Role.REVIEWER, PASSWORD, "root")
    with pytest.raises(Refused, match="last admin"):
        store.users.disable("root", "root")
    with pytest.raises(Refused, match="last admin"):
        store.users.set_role("root", Role.LEAD, "root")
    store.users.set_role("bob", Role.ADMIN, "root")
    store.users.disable("root", "bob")
    assert [(user.name, user.disabled_at is None) for user in store.users.all()] == [
        ("ann", False),
        ("bob", True),
        ("root", False),
    ]


@pytest.mark.parametrize("name", ["", "Ann", "an n", "-x", "a" * 65, "a\nb"])
def test_a_name_that_is_none_is_refused(store: Store, name: str) -> None:
    with pytest.raises(Refused, match="is no name"):
        store.users.add(name, Role.REVIEWER, PASSWORD, "test")


def test_a_short_password_and_an_unknown_person_are_refused(store: Store) -> None:
    with pytest.raises(Refused, match="10 to 1,000 characters"):
        store.users.add("ann", Role.REVIEWER, "short", "test")
    with pytest.raises(Unknown, match="nobody called ann"):
        store.users.set_role("ann", Role.LEAD, "test")
