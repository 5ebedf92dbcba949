"""Opening a store: made or migrated on the way, by any number of processes; in words when it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from attune import store as package
from attune.errors import StoreError
from attune.outcome import Place
from attune.store import Input, Store
from attune.store.database import connect
from attune.store.desk.insight import Frame, Sum
from attune.store.migrate import HEAD, VERSION_TABLE, migrate, revision
from attune.store.schema import metadata

Given = Callable[..., Input]
Make = Callable[..., Any]
MIGRATIONS = Path(package.__file__).parent / "migrations"


def test_the_tables_are_what_the_migrations_make(address: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "include_name": _is_declared}
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        return found

    database = connect(address)
    migrate(database)
    assert database.read(differences) == []
    assert database.read(revision) == HEAD
    database.close()


def _is_declared(name: str | None, kind: str, _: object) -> bool:
    """The search is each database's own, in its own words: SQLite keeps it in six tables."""
    return not (kind == "table" and name is not None and name.startswith("search"))


def test_the_newest_migration_is_the_one_that_opening_looks_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


def test_what_was_written_is_there_when_the_store_is_opened_again(address: str, given: Given) -> None:
    with Store.open(address) as store:
        store.enqueue([given("1")])
    with Store.open(address) as store:
        assert store.waiting() == 1


def test_items_of_an_older_store_are_at_the_desk(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = connect(address)
    with monkeypatch.context() as older:
        older.setitem(migrate.__globals__, "HEAD", "0002")
        migrate(database)
    outcome = (
        "INSERT INTO outcomes VALUES ('a', 'triage', 'v1', 'review', 'd', 'u1', 'ko', 'mail', '{}', '{}',"
        " '[]', 'm', 0, 0, 0, 0, 1, 5, 7)"
    )
    review = "INSERT INTO reviews VALUES ('a', 'triage', 'v1', '{}', 'Sorry.', 'open', 5)"
    database.write(lambda connection: [connection.execute(text(each)) for each in (outcome, review)])
    database.close()
    with Store.open(address) as store:
        (line,) = store.reviews.waiting()
    assert (line.number, line.key, line.user_id, line.language, line.channel) == (7, "a", "u1", "ko", "mail")


def test_sums_of_an_older_store_stay_and_more_are_added(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = connect(address)
    with monkeypatch.context() as older:
        older.setitem(migrate.__globals__, "HEAD", "0003")
        migrate(database)
    sums = "INSERT INTO tallies VALUES ('day', 86400, 'chat', 'triage', 'ko', '', 'm', '-1', 3, 0)"
    outcome = (
        "INSERT INTO outcomes VALUES ('a', 'triage', 'v1', 'table', 'd', 'u1', 'ko', '',"
        " '{\"sentiment\": -1}', '{}', '[]', 'm', 0, 0, 0, 0, 1, 86401, 1)"
    )
    last = "UPDATE last_outcome SET seq = 1"
    database.write(lambda connection: [connection.execute(text(each)) for each in (sums, outcome, last)])
    database.close()
    with Store.open(address) as store:
        assert store.insight.fold() == 0
        assert store.insight.by("arm", "chat", Frame(0, 2 * 86_400)) == (Sum("", "-1", 4, 0),)
        assert [row.arm for row in store.outcomes()] == [""]


def test_a_second_opening_does_not_load_alembic(address: str) -> None:
    Store.open(address).close()
    code = (
        "import sys; from attune.store import Store; Store.open(sys.argv[1]); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, address], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_many_processes_open_a_new_store_at_once(address: str) -> None:
    code = "import sys; from attune.store import Store; sys.stdin.read(); Store.open(sys.argv[1]).counts()"
    command = [sys.executable, "-c", code, address]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    openers = [subprocess.Popen(command, **pipes, text=True) for _ in range(4)]  # type: ignore[call-overload]
    for opener in openers:
        opener.stdin.close()  # all are let go together
        opener.stdin = None
    ends = [opener.communicate(timeout=60) for opener in openers]
    assert [opener.returncode for opener in openers] == [0] * 4, ends


def test_a_store_of_a_newer_attune_is_left_alone(address: str) -> None:
    database = connect(address)
    migrate(database)
    newer = text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    database.write(lambda connection: connection.execute(newer))
    with pytest.raises(StoreError, match=r"newer attune: its version is 9999.*pip install -U attune"):
        Store.open(address)
    database.close()


def test_writes_are_synced_to_the_disk_and_only_leases_are_not(address: str) -> None:
    database = connect(address)
    sqlite = not address.startswith("postgresql")
    setting = text("PRAGMA synchronous" if sqlite else "SHOW synchronous_commit")

    def read(connection: Connection) -> str:
        return str(connection.execute(setting).scalar_one())

    said = [database.write(read, durable=durable) for durable in (True, False, True)]
    assert said == (["2", "1", "2"] if sqlite else ["on", "off", "on"])
    database.close()


def test_a_closed_store_says_so_and_closes_again(store: Store, given: Given) -> None:
    store.close()
    store.close()
    for use in (store.counts, lambda: store.enqueue([given("1")])):
        with pytest.raises(StoreError, match="is closed"):
            use()


def test_sqlite_is_opened_by_path_and_by_url(tmp_path: Path) -> None:
    for address in (tmp_path / "a.db", str(tmp_path / "b.db"), f"sqlite:///{tmp_path}/c.db"):
        with Store.open(address) as store:
            assert store.address.startswith(str(tmp_path))
    assert {path.name for path in tmp_path.glob("*.db")} == {"a.db", "b.db", "c.db"}


@pytest.mark.parametrize(
    "address", ["", ":memory:", "sqlite://", "file:x?mode=memory", "mysql://u:pw@h/d", "://"]
)
def test_what_is_no_address_is_refused_with_the_forms_there_are(address: str) -> None:
    with pytest.raises(StoreError, match=r"a path, sqlite:///path or postgresql://") as refused:
        Store.open(address)
    assert "pw" not in str(refused.value)


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(StoreError, match=r"letter\.txt: the file is not an attune store"):
        Store.open(path)
    assert path.read_text().startswith("Dear")


def test_a_damaged_file_says_so(tmp_path: Path, given: Given) -> None:
    path = tmp_path / "attune.db"
    with Store.open(path) as store:
        store.enqueue(given(str(n)) for n in range(500))
    pages = bytearray(path.read_bytes())
    pages[4096 * 2 :] = b"\xa5" * (len(pages) - 4096 * 2)
    path.write_bytes(pages)
    with pytest.raises(StoreError, match="the file is damaged"):
        Store.open(path).status()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(tmp_path)


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"folder of the store .* cannot be made"):
        Store.open(tmp_path / "file" / "attune.db")


def test_a_server_that_is_not_there_says_so_and_hides_the_password() -> None:
    for address in (
        "postgresql://me:secret@127.0.0.1:1/x",
        "postgresql://127.0.0.1:1/x?password=secret&user=me",
    ):
        with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/x.*: no connection: .*refused") as refused:
            Store.open(address)
        assert "secret" not in str(refused.value)


def test_a_database_that_is_not_there_says_so(postgres: str) -> None:
    with pytest.raises(StoreError, match=r'no connection: .*"attune_\w+x" does not exist'):
        Store.open(postgres + "x")


def test_without_the_driver_postgres_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['psycopg'] = None\n")
    code = "from attune.store import Store; Store.open('postgresql://h/d')"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert "StoreError: PostgreSQL needs its driver: pip install 'attune[postgres]'" in done.stderr


def test_a_read_only_server_says_so(postgres: str, given: Given) -> None:
    Store.open(postgres).close()
    with (
        Store.open(postgres + "?options=-cdefault_transaction_read_only%3Don") as store,
        pytest.raises(StoreError, match="only reads"),
    ):
        store.enqueue([given("1")])


def test_a_lost_connection_is_made_anew(postgres: str, given: Given, ended: Make) -> None:
    with Store.open(postgres) as store:
        store.enqueue([given("1")])
        killer = connect(postgres)
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        killer.read(
            lambda connection: connection.execute(text(f"{others} AND pid <> pg_backend_pid()")).all()
        )
        killer.close()
        (item,) = store.claim(1, "triage", "v1", "ann", 60).items
        store.settle([ended(item)])
        assert store.counts()[Place.TABLE] == 1
