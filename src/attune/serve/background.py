"""Batches in the background: worked through one after the other, beside the requests."""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from attune.batch import Plan, Stand, work
from attune.batch.rows import errors_file
from attune.errors import AttuneError, BadConfig
from attune.handle import Acts
from attune.limits import Limits
from attune.serve.refusal import Refusal
from attune.serve.shelf import Shelf, read, write

log = logging.getLogger(__name__)
_ID = re.compile(r"batch_[0-9a-f]{24}")
_OPEN = ("validating", "in_progress", "cancelling")
_DAY_S = 86_400


@dataclass(slots=True)
class Batch:
    """One batch; the words of its status are OpenAI's."""

    id: str
    endpoint: str
    input_file_id: str
    metadata: dict[str, str] | None
    created_at: int
    total: int
    status: str = "validating"
    completed: int = 0
    failed: int = 0
    error: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None
    at: dict[str, int] = field(default_factory=dict)
    """When each status began."""
    turn: int = field(default_factory=time.time_ns)
    """By which they stand in a row."""

    def to_json(self) -> dict[str, Any]:
        """OpenAI's batch."""
        words = ("in_progress", "finalizing", "completed", "failed", "cancelling", "cancelled", "expired")
        error = {"code": "failed", "message": self.error, "line": None, "param": None}
        counts = {"total": self.total, "completed": self.completed, "failed": self.failed}
        same = ("id", "endpoint", "input_file_id", "metadata", "status", "output_file_id", "error_file_id")
        return {
            **{name: getattr(self, name) for name in same},
            "object": "batch",
            "completion_window": "24h",
            "created_at": self.created_at,
            "expires_at": self.created_at + _DAY_S,
            **{f"{word}_at": self.at.get(word) for word in words},
            "errors": {"object": "list", "data": [error]} if self.error else None,
            "request_counts": counts,
        }


class Background:
    """Works through batches with the service's engine, in the order they came.

    A batch that was open when the process ended, however it ended, is gone on with by the next one, at the
    first request without a row.
    """

    def __init__(self, shelf: Shelf, acts: Acts, limits: Limits) -> None:
        self._shelf, self._acts, self._limits = shelf, acts, limits
        found = [Batch(**read(path)) for path in shelf.folder.glob("batches/*/batch.json")]
        self._batches = {batch.id: batch for batch in sorted(found, key=lambda each: each.turn)}
        self._waiting = deque(batch.id for batch in self._batches.values() if batch.status in _OPEN)
        self._stop = threading.Event()
        """What ends the batch that is being worked through."""
        self._closing = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name="attune-batches", daemon=True)
        self._thread.start()

    def create(self, endpoint: str, input_file_id: str, metadata: dict[str, str] | None) -> Batch:
        """Puts a batch into the row of those that wait. Raises BadConfig where the file holds no requests."""
        total = _requests_in(self._shelf.content(input_file_id))
        name = f"batch_{secrets.token_hex(12)}"
        batch = Batch(name, endpoint, input_file_id, metadata, int(time.time()), total)
        with self._change:
            self._keep(batch, "validating")
            self._batches[name] = batch
            self._waiting.append(name)
            self._change.notify()
        return batch

    def get(self, name: str) -> Batch:
        if not _ID.fullmatch(name) or name not in self._batches:
            raise Refusal(404, f"no batch has the id {name!r:.60}", "batch_not_found")
        return self._batches[name]

    def all(self) -> list[Batch]:
        """The batches, the newest first."""
        return list(reversed(self._batches.values()))

    def cancel(self, name: str) -> Batch:
        """Ends a batch: what is with the engine is finished, and what has rows keeps them."""
        batch = self.get(name)
        with self._change:
            if batch.status in _OPEN:
                self._keep(batch, "cancelling")
            if name not in self._waiting:
                self._stop.set()
        return batch

    def close(self) -> None:
        """Lets the batch in work come to a stop; it is gone on with by the next process."""
        with self._change:
            self._closing = True
            self._stop.set()
            self._change.notify()
        self._thread.join()

    def _loop(self) -> None:
        while (batch := self._next()) is not None:
            try:
                self._work(batch)
            except (AttuneError, OSError) as error:
                batch.error = str(error)
                log.warning("A batch failed: %s", error, extra={"action": "batch_failed", "batch": batch.id})
                self._end(batch, "failed")

    def _next(self) -> Batch | None:
        with self._change:
            while not self._closing and not self._waiting:
                self._change.wait()
            if self._closing:
                return None
            self._stop.clear()
            return self._batches[self._waiting.popleft()]

    def _work(self, batch: Batch) -> None:
        def watch(stand: Stand) -> None:
            batch.completed, batch.failed = stand.counts.ok, stand.counts.failed

        if batch.status != "cancelling":
            self._keep(batch, "in_progress")
            plan = Plan([str(self._shelf.content(batch.input_file_id))], self._out(batch))
            watch(work(plan, self._acts.main, self._limits, self._stop, watch).stand)
        if self._closing and batch.status != "cancelling":
            return  # gone on with by the next process
        self._end(batch, "cancelled" if batch.status == "cancelling" else "completed")

    def _end(self, batch: Batch, status: str) -> None:
        """Puts what there is of rows on the shelf."""
        out = self._out(batch)
        batch.output_file_id = self._adopted(out, f"{batch.id}_output.jsonl")
        batch.error_file_id = self._adopted(errors_file(out), f"{batch.id}_error.jsonl")
        self._keep(batch, status)

    def _adopted(self, path: Path, name: str) -> str | None:
        if not path.is_file() or not path.stat().st_size:
            return None
        return self._shelf.adopt(str(path.relative_to(self._shelf.folder)), name, "batch_output").id

    def _keep(self, batch: Batch, status: str) -> None:
        batch.status = status
        batch.at.setdefault(status, int(time.time()))
        write(self._out(batch).with_name("batch.json"), asdict(batch))

    def _out(self, batch: Batch) -> Path:
        return self._shelf.folder / "batches" / batch.id / "rows.jsonl"


def _requests_in(path: Path) -> int:
    """How many lines the file has. Raises BadConfig where the first is no request."""
    with path.open("rb") as file:
        lines = (line for line in file if line.strip())
        try:
            first = json.loads(next(lines, b"null"))
        except (ValueError, RecursionError) as error:
            raise BadConfig(f"input_file_id: the file's first line is not JSON: {error}") from error
        if not isinstance(first, dict) or "custom_id" not in first:
            raise BadConfig(
                "input_file_id: the file's first line is no request; it needs custom_id, method, url, body"
            )
        return 1 + sum(1 for _ in lines)
