"""BigQuery's two interfaces as its reference documents them, as far as the sink uses them: no BigQuery.

Its rules are those the sink relies on: offsets of a stream leave no gap and take no row twice, a pending
stream is seen when it is committed and not before, a table has the columns that it was given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types

_SERVICE = "google.cloud.bigquery.storage.v1.BigQueryWrite"
_ALREADY_EXISTS, _OUT_OF_RANGE, _INVALID = 6, 11, 3


class Warehouse:
    """One table, its pending streams; it loses the answer to the next commit, or refuses rows, if told to."""

    def __init__(self) -> None:
        self.fields: list[dict[str, Any]] | None = None
        self.rows: list[dict[str, Any]] = []
        self.pending: dict[str, list[dict[str, Any]]] = {}
        self.sizes: list[int] = []
        self.lose_commit = False
        self.refuse = ""
        self.rest = self.grpc = ""

    def create(self, request: Any, context: Any) -> Any:
        name = f"{request.parent}/streams/{len(self.pending)}"
        self.pending[name] = []
        return types.WriteStream(name=name, type_=request.write_stream.type_)

    def append(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        stream, schema = "", pa.schema([])
        for request in requests:
            if self.refuse:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, self.refuse)
            stream = request.write_stream or stream
            if request.arrow_rows.writer_schema.serialized_schema:
                schema = pa.ipc.read_schema(pa.py_buffer(request.arrow_rows.writer_schema.serialized_schema))
            data = request.arrow_rows.rows.serialized_record_batch
            self.sizes.append(len(data))
            yield self._take(stream, pa.ipc.read_record_batch(pa.py_buffer(data), schema), request.offset)

    def _take(self, stream: str, batch: Any, offset: int | None) -> Any:
        there = self.pending[stream]
        known = {field["name"] for field in self.fields or []}
        if extra := set(batch.schema.names) - known:
            return types.AppendRowsResponse(error={"code": _INVALID, "message": f"no column {sorted(extra)}"})
        if offset is not None and offset != len(there):
            code = _ALREADY_EXISTS if offset < len(there) else _OUT_OF_RANGE
            return types.AppendRowsResponse(error={"code": code, "message": f"offset {offset}"})
        there += batch.to_pylist()
        return types.AppendRowsResponse(append_result={"offset": offset})

    def finalize(self, request: Any, context: Any) -> Any:
        return types.FinalizeWriteStreamResponse(row_count=len(self.pending[request.name]))

    def commit(self, request: Any, context: Any) -> Any:
        for name in request.write_streams:
            self.rows += self.pending.pop(name)
        if self.lose_commit:
            self.lose_commit = False
            context.abort(grpc.StatusCode.INTERNAL, "the answer was lost")
        return types.BatchCommitWriteStreamsResponse(commit_time=datetime.now().astimezone())

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What the REST interface says."""
        if path.endswith("/queries"):
            return 200, self._query(body)
        if method == "POST":
            if self.fields is not None:
                return 409, {"error": {"code": 409, "message": "Already Exists: Table"}}
            assert body["timePartitioning"] == {"field": "created_at", "type": "DAY"}
            self.fields = body["schema"]["fields"]
        elif method == "PATCH":
            names = [field["name"] for field in self.fields or []]
            assert [field["name"] for field in body["schema"]["fields"]][: len(names)] == names
            self.fields = body["schema"]["fields"]
        project, dataset, table = re.findall(r"projects/([^/]+)/datasets/([^/]+)/tables/?([^/?]*)", path)[0]
        reference = {"projectId": project, "datasetId": dataset, "tableId": table or "outcomes"}
        return 200, {"tableReference": reference, "schema": {"fields": self.fields}, "etag": "1"}

    def _query(self, body: dict[str, Any]) -> dict[str, Any]:
        wanted = (
            r"SELECT id, task, task_version, created_at FROM `p\.d\.outcomes` WHERE created_at BETWEEN .*"
        )
        assert re.fullmatch(wanted, body["query"]), body["query"]
        between = {each["name"]: each["parameterValue"]["value"] for each in body["queryParameters"]}
        first, last = (datetime.fromisoformat(between[name]) for name in ("first", "last"))
        found = [row for row in self.rows if first <= row["created_at"] <= last]
        names = ("id", "task", "task_version")
        fields = [{"name": name, "type": "STRING"} for name in names]
        cells = [[row[name] for name in names] + [_micros(row["created_at"])] for row in found]
        return {
            "jobComplete": True,
            "totalRows": str(len(found)),
            "schema": {"fields": [*fields, {"name": "created_at", "type": "TIMESTAMP"}]},
            "rows": [{"f": [{"v": value} for value in row]} for row in cells],
        }


def _micros(at: datetime) -> str:
    return str(round(at.timestamp() * 1_000_000))


@contextmanager
def warehouse() -> Iterator[Warehouse]:
    """A warehouse that listens on 127.0.0.1."""
    house = Warehouse()

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            code, answer = house.answer(self.command, self.path.partition("?")[0], body)
            data = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    rest = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=rest.serve_forever, daemon=True).start()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((_handlers(house),))
    house.grpc = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    house.rest = f"http://127.0.0.1:{rest.server_port}"
    server.start()
    try:
        yield house
    finally:
        server.stop(None).wait()
        rest.shutdown()
        rest.server_close()


def _handlers(house: Warehouse) -> Any:
    def unary(act: Any, asked: Any, answered: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(act, asked.deserialize, answered.serialize)

    request, response = types.AppendRowsRequest, types.AppendRowsResponse
    methods = {
        "CreateWriteStream": unary(house.create, types.CreateWriteStreamRequest, types.WriteStream),
        "AppendRows": grpc.stream_stream_rpc_method_handler(
            house.append, request.deserialize, response.serialize
        ),
        "FinalizeWriteStream": unary(
            house.finalize, types.FinalizeWriteStreamRequest, types.FinalizeWriteStreamResponse
        ),
        "BatchCommitWriteStreams": unary(
            house.commit, types.BatchCommitWriteStreamsRequest, types.BatchCommitWriteStreamsResponse
        ),
    }
    return grpc.method_handlers_generic_handler(_SERVICE, methods)
