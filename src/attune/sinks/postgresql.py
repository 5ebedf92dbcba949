"""A table of PostgreSQL, made and widened from the task's columns, by psycopg."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from attune.address import load, parse_address
from attune.export import Column, Kind, Row
from attune.sinks import KEY, OPTIONS, Batch, SinkError, Terms, terms

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

FORM = "postgresql://user@host/database?table=outcomes"
_OURS = (*OPTIONS, "table")
_CONNECT_S = 10
_TYPES: Mapping[Kind, str] = {
    "text": "text",
    "integer": "bigint",
    "boolean": "boolean",
    "list": "jsonb",
    "number": "double precision",
    "map": "jsonb",
    "time": "timestamptz",
}


class PostgresTable:
    """A row for each outcome: one that comes again changes nothing, one that was replayed replaces the old.

    The table is made if it is not there; a column that is missing, as after a change of the task, is added.
    Options that are not ours go to PostgreSQL.
    """

    def __init__(self, address: str, columns: Sequence[Column]) -> None:
        self._psycopg = load("psycopg", "postgres")
        parsed = parse_address(address, FORM)
        self._terms = terms(parsed, rows=1000)
        self._table = parsed.options.get("table") or "outcomes"
        theirs = {name: value for name, value in parsed.options.items() if name not in _OURS}
        query = urlencode({"connect_timeout": str(_CONNECT_S), "application_name": "attune"} | theirs)
        self._dsn = f"postgresql://{parsed.where}/{parsed.name}?{query}"
        self._columns = columns
        self._connection: Connection[Any] | None = None

    @property
    def terms(self) -> Terms:
        return self._terms

    def write(self, batch: Batch) -> None:
        try:
            connection = self._connected()
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(self._upsert(), [self._values(row) for row in batch.rows])
        except self._psycopg.Error as error:
            self.close()
            # The server's further words may quote a row, and so a customer.
            why = error.diag.message_primary or " ".join(str(error).split())
            raise SinkError(f"{self._terms.name}, table {self._table}: {why}") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection[Any]:
        if self._connection is None:
            connection = self._psycopg.connect(self._dsn, autocommit=True)
            self._connection = connection
            with connection.transaction():
                for statement in self._shape():
                    connection.execute(statement)
        return self._connection

    def _shape(self) -> list[Composed]:
        sql = self._psycopg.sql
        table = self._name(sql)
        made = {
            c.name: sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(_TYPES[c.kind]))
            for c in self._columns
        }
        keys = sql.SQL(", ").join(map(sql.Identifier, KEY))
        create = "CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))"
        return [
            sql.SQL(create).format(table, sql.SQL(", ").join(made.values()), keys),
            *(
                sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {}").format(table, each)
                for each in made.values()
            ),
        ]

    def _upsert(self) -> Composed:
        sql = self._psycopg.sql
        names = [column.name for column in self._columns]
        new = [
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in names if name not in KEY
        ]
        statement = (
            "INSERT INTO {} AS old ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {} "
            "WHERE excluded.created_at >= old.created_at"
        )
        return sql.SQL(statement).format(  # type: ignore[no-any-return]
            self._name(sql),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.Placeholder()] * len(names)),
            sql.SQL(", ").join(map(sql.Identifier, KEY)),
            sql.SQL(", ").join(new),
        )

    def _name(self, sql: Any) -> Any:
        return sql.Identifier(*self._table.split(".", 1))

    def _values(self, row: Row) -> list[Any]:
        return [_value(row[column.name], column.kind) for column in self._columns]


def _value(value: Any, kind: Kind) -> Any:
    return json.dumps(value, ensure_ascii=False) if kind in ("list", "map") and value is not None else value
