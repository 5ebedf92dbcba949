"""A BigQuery table, written by the Storage Write API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attune.address import load, parse_address
from attune.errors import BadConfig, told
from attune.export import Column, Kind, Row, arrow_schema
from attune.sinks import KEY, OPTIONS, Batch, SinkError, Terms, terms

if TYPE_CHECKING:
    import pyarrow as pa

FORM = "bigquery://project/dataset.table"
_ROWS, _WAIT_S = 5000, 60.0
_AT_ONCE, _AT_ONCE_BYTES = 500, 5_000_000
_PATIENCE_S = 60.0
_TYPES: Mapping[Kind, str] = {
    "text": "STRING",
    "integer": "INT64",
    "boolean": "BOOL",
    "list": "STRING",
    "number": "FLOAT64",
    "map": "STRING",
    "time": "TIMESTAMP",
}


class BigQuery:
    """A row for each outcome, in a table partitioned by day; a batch appears whole or not at all.

    A batch is a pending stream, its rows appended at their offsets, that is committed when it is whole. Of a
    batch that comes again, what is in the table is left out, so each outcome is there once. The table is
    made if it is not there, and columns that are missing are added. `rest` and `grpc` are addresses of an
    emulator.
    """

    def __init__(self, address: str, columns: Sequence[Column]) -> None:
        self._rest = load("google.cloud.bigquery", "bigquery")
        self._write_api = load("google.cloud.bigquery_storage_v1", "bigquery")
        self._writer = load("google.cloud.bigquery_storage_v1.writer", "bigquery")
        self._closed = load("google.cloud.bigquery_storage_v1.exceptions", "bigquery").StreamClosedError
        self._address = parse_address(address, FORM)
        self._address.check_options((*OPTIONS, "rest", "grpc"))
        dataset, dot, table = self._address.name.partition(".")
        if not dot or not dataset or not table:
            raise BadConfig(f"{self._address.shown} is no address like {FORM}")
        self._path = f"projects/{self._address.where}/datasets/{dataset}/tables/{table}"
        self._id = f"{self._address.where}.{dataset}.{table}"
        self._terms = terms(self._address, _ROWS, _WAIT_S)
        self._columns = columns
        self._clients: tuple[Any, Any] | None = None

    @property
    def terms(self) -> Terms:
        return self._terms

    def write(self, batch: Batch) -> None:
        try:
            rest, writer = self._connected()
            there = self._there(rest, batch.rows) if batch.again else set()
            if rows := [row for row in batch.rows if _name(row) not in there]:
                self._append(writer, rows)
        except Exception as error:  # the library's credentials, transports and server each have their own
            self.close()
            raise SinkError(f"{self._terms.name} cannot be written: {told(error)}") from error

    def close(self) -> None:
        clients, self._clients = self._clients, None
        if clients is not None:
            clients[0].close()
            clients[1].transport.close()

    def _append(self, writer: Any, rows: Sequence[Row]) -> None:
        types = self._write_api.types
        pending = types.WriteStream(type_=types.WriteStream.Type.PENDING)
        stream = writer.create_write_stream(parent=self._path, write_stream=pending, timeout=_PATIENCE_S)
        first = types.AppendRowsRequest(
            write_stream=stream.name,
            arrow_rows={"writer_schema": {"serialized_schema": self._schema().serialize().to_pybytes()}},
        )
        appending = self._writer.AppendRowsStream(writer, first)
        try:
            futures = [appending.send(request) for request in self._requests(rows)]
            for future in futures:
                future.result(_PATIENCE_S)
        finally:
            with suppress(self._closed):  # one that has failed is closed, and says why above
                appending.close()
        writer.finalize_write_stream(name=stream.name, timeout=_PATIENCE_S)
        done = writer.batch_commit_write_streams(
            request={"parent": self._path, "write_streams": [stream.name]}, timeout=_PATIENCE_S
        )
        if done.stream_errors:
            raise SinkError("; ".join(error.error_message for error in done.stream_errors))

    def _requests(self, rows: Sequence[Row]) -> Iterator[Any]:
        """Requests of a few rows each, at the offset that makes a second copy of one no second row."""
        import pyarrow as pa

        schema = self._schema()
        offset = 0
        for chunk in _chunks(rows):
            values = [self._values(row) for row in chunk]
            data = pa.RecordBatch.from_pylist(values, schema=schema).serialize().to_pybytes()
            yield self._write_api.types.AppendRowsRequest(
                offset=offset, arrow_rows={"rows": {"serialized_record_batch": data}}
            )
            offset += len(chunk)

    def _there(self, rest: Any, rows: Sequence[Row]) -> set[tuple[Any, ...]]:
        """The names of those of `rows` that are in the table."""
        times = [row["created_at"] for row in rows]
        parameter = self._rest.ScalarQueryParameter
        between = [parameter("first", "TIMESTAMP", min(times)), parameter("last", "TIMESTAMP", max(times))]
        columns = ", ".join((*KEY, "created_at"))
        query = f"SELECT {columns} FROM `{self._id}` WHERE created_at BETWEEN @first AND @last"  # noqa: S608 - our own address
        settings = self._rest.QueryJobConfig(query_parameters=between)
        found = rest.query_and_wait(query, job_config=settings, wait_timeout=_PATIENCE_S)
        return {_name(row) for row in found}

    def _connected(self) -> tuple[Any, Any]:
        if self._clients is None:
            project, options = self._address.where, self._address.options
            rest = self._rest.Client(project, **_emulator_rest(options.get("rest")))
            self._shape(rest)
            writer = self._write_api.BigQueryWriteClient(**_emulator_grpc(options.get("grpc")))
            self._clients = rest, writer
        return self._clients

    def _shape(self, rest: Any) -> None:
        """Makes the table, or adds the columns that it does not have."""
        fields = [self._field(column) for column in self._columns]
        made = self._rest.Table(self._id, schema=fields)
        made.time_partitioning = self._rest.TimePartitioning(field="created_at")
        table = rest.create_table(made, exists_ok=True, timeout=_PATIENCE_S)
        table = rest.get_table(table, timeout=_PATIENCE_S)
        known = {field.name for field in table.schema}
        if missing := [field for field in fields if field.name not in known]:
            table.schema = [*table.schema, *missing]
            rest.update_table(table, ["schema"], timeout=_PATIENCE_S)

    def _field(self, column: Column) -> Any:
        mode = "REPEATED" if column.kind == "list" else "NULLABLE"
        return self._rest.SchemaField(column.name, _TYPES[column.kind], mode=mode)

    def _schema(self) -> pa.Schema:
        import pyarrow as pa

        return arrow_schema(self._columns, {"map": pa.string(), "time": pa.timestamp("us", tz="UTC")})

    def _values(self, row: Row) -> Row:
        maps = {column.name for column in self._columns if column.kind == "map"}
        return {name: json.dumps(value) if name in maps else value for name, value in row.items()}


def _chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in pieces that fit a request."""
    chunk: list[Row] = []
    size = 0
    for row in rows:
        more = sum(len(value.encode()) for value in row.values() if isinstance(value, str))
        if chunk and (len(chunk) == _AT_ONCE or size + more > _AT_ONCE_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += more
    if chunk:
        yield chunk


def _name(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in (*KEY, "created_at"))


def _emulator_rest(endpoint: str | None) -> dict[str, Any]:
    if endpoint is None:
        return {}
    credentials = load("google.auth.credentials", "bigquery").AnonymousCredentials()
    return {"client_options": {"api_endpoint": endpoint}, "credentials": credentials}


def _emulator_grpc(target: str | None) -> dict[str, Any]:
    if target is None:
        return {}
    grpc = load("grpc", "bigquery")
    services = load("google.cloud.bigquery_storage_v1.services.big_query_write.transports", "bigquery")
    return {"transport": services.BigQueryWriteGrpcTransport(channel=grpc.insecure_channel(target))}
