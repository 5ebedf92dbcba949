"""A table of a real PostgreSQL as a sink."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.sinks.contract import COLUMNS, SinkContract, batch, rows

from attune.export import Column, Row
from attune.sinks import Sink, SinkError
from attune.sinks.postgresql import PostgresTable


def read(address: str, table: str = "outcomes") -> list[dict[str, Any]]:
    with psycopg.connect(address, row_factory=dict_row) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


class TestPostgresTableContract(SinkContract):
    @pytest.fixture(autouse=True)
    def database(self, postgres: str) -> None:
        self._address = postgres

    def make(self) -> Sink:
        return PostgresTable(self._address, COLUMNS)

    def read(self) -> list[Row]:
        return read(self._address)


def test_a_field_that_comes_later_is_a_column_that_is_added(postgres: str) -> None:
    with closing(PostgresTable(postgres, COLUMNS)) as sink:
        sink.write(batch(rows(1)))
    with closing(PostgresTable(postgres, (*COLUMNS, Column("topic", "text")))) as sink:
        sink.write(batch([row | {"topic": "billing"} for row in rows(1, 1)], first=1))
    assert [row["topic"] for row in read(postgres)] == [None, "billing"]


def test_the_table_may_be_named_with_its_schema(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE SCHEMA chats")
    with closing(PostgresTable(f"{postgres}?table=chats.ended", COLUMNS)) as sink:
        sink.write(batch(rows(3)))
    assert len(read(postgres, "chats.ended")) == 3


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    sink = PostgresTable("postgresql://ann:secret@127.0.0.1:9/chats", COLUMNS)
    with pytest.raises(
        SinkError, match=r"postgresql://127\.0\.0\.1:9/chats, table outcomes: .*refused"
    ) as error:
        sink.write(batch(rows(1)))
    assert "secret" not in str(error.value)


def test_a_sink_goes_on_after_its_server_was_away(postgres: str) -> None:
    sink = PostgresTable(postgres, COLUMNS)
    sink.write(batch(rows(2)))
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'attune'"
        )
    with pytest.raises(SinkError):
        sink.write(batch(rows(2, 2), first=2))
    sink.write(batch(rows(2, 2), first=2, again=True))
    sink.close()
    assert len(read(postgres)) == 4
