"""The audit only grows, and shows where somebody meddled with it all the same."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from attune.desk.roles import Role
from attune.errors import StoreError
from attune.store import Store

ACTS = ("UPDATE audit SET person = 'x' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2")
TRIGGERS = ("audit_no_update", "audit_no_delete", "audit_no_replace")


@pytest.fixture
def written(store: Store) -> Store:
    for name in ("ann", "bob", "kim", "lee"):
        store.users.add(name, Role.REVIEWER, "a long password", "test")
    return store


def execute(store: Store, *statements: str) -> None:
    store._database.write(lambda connection: [connection.execute(text(each)) for each in statements])


def unguard(store: Store) -> None:
    """What somebody with all rights on the database can do."""
    if store.address.startswith("postgresql"):
        execute(store, "ALTER TABLE audit DISABLE TRIGGER ALL")
    else:
        execute(store, *(f"DROP TRIGGER {name}" for name in TRIGGERS))


@pytest.mark.parametrize(
    "act", [*ACTS, "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 2", "TRUNCATE audit"]
)
def test_the_database_refuses_to_change_what_was_written(written: Store, act: str) -> None:
    on_postgres = written.address.startswith("postgresql")
    if act.startswith("TRUNCATE") != on_postgres and act not in ACTS:
        return
    with pytest.raises(StoreError, match="the audit only grows"):
        execute(written, act)
    assert written.audit.verify().records == 4


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        (ACTS[0], "number 2 was changed"),
        (ACTS[1], "number 2 is gone"),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", "number 3 was changed"),
        ("DELETE FROM audit WHERE seq = 4", "the records after number 3 are gone"),
        ("DELETE FROM audit WHERE seq = 1", "number 1 is gone"),
    ],
)
def test_who_gets_round_that_is_found_out(written: Store, act: str, fault: str) -> None:
    unguard(written)
    execute(written, act)
    assert written.audit.verify().fault == fault


def test_a_chain_made_anew_does_not_fit_what_was_known(written: Store) -> None:
    known = written.audit.verify()
    assert written.audit.verify((known.seq, known.hash)).fault == ""
    assert "made anew" in written.audit.verify((known.seq, "0" * 64)).fault
    unguard(written)
    (hash3,) = [record.hash for record in written.audit.records(after=2)][:1]
    execute(written, "DELETE FROM audit WHERE seq = 4", f"UPDATE audit_head SET seq = 3, hash = '{hash3}'")
    assert written.audit.verify().fault == ""
    assert "there was a number 4" in written.audit.verify((known.seq, known.hash)).fault


def test_records_read_back_as_they_were_written(written: Store) -> None:
    records = list(written.audit.records())
    assert [record.seq for record in records] == [1, 2, 3, 4]
    assert [json.loads(record.detail) for record in records] == [{"role": "reviewer"}] * 4
    assert [record.subject for record in written.audit.records("user:bob")] == ["user:bob"]
