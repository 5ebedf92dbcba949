"""`WriteFiles`: outcomes as files of rows, whole or not there, each name written with the same rows again."""

from __future__ import annotations

import io
import json
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, BinaryIO

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PCollection
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.window import FixedWindows, GlobalWindow

from attune import connect, export
from attune.beam.item import Ended
from attune.beam.rows import row_of
from attune.outcome import Place
from attune.task import Task

FORMS: Mapping[str, Callable[[Iterable[export.Row], Sequence[export.Column], BinaryIO], None]] = {
    "csv": export.write_csv,
    "jsonl": export.write_jsonl,
    "parquet": export.write_parquet,
}
_LATE_S = 3600.0


class WriteFiles(beam.PTransform):  # type: ignore[type-arg,unused-ignore]
    """Table rows in `folder`/table, review items in /review, dead letters in /dead; gives the files' names.

    A bounded pipeline writes `shards` files for each place; a stream as many for each `window_s` of event
    time, once that is over, and more for what comes up to an hour late. A file's name says its window and
    shard, so that a bundle that is repeated replaces it. Dead letters are JSON lines, their bytes in `raw` as
    text with what is not UTF-8 escaped.
    """

    def __init__(
        self,
        folder: str,
        task: str = "triage",
        engine: str = "pocket",
        *,
        form: str = "parquet",
        shards: int = 1,
        window_s: float = 60.0,
    ) -> None:
        super().__init__()
        self._task = connect.task(task, engine)
        self._folder, self._form, self._shards, self._window_s = folder, form, shards, window_s

    def expand(self, outcomes: PCollection[Ended]) -> PCollection[str]:
        if not outcomes.is_bounded:
            outcomes = outcomes | "Windows" >> beam.WindowInto(
                FixedWindows(self._window_s),
                trigger=AfterWatermark(late=AfterCount(1)),
                allowed_lateness=_LATE_S,
                accumulation_mode=AccumulationMode.DISCARDING,
            )
        return (
            outcomes
            | "By file" >> beam.Map(_sharded, self._shards).with_output_types(tuple[str, Ended])
            | beam.GroupByKey()
            | "Write" >> beam.ParDo(_Write(self._folder, self._task, self._form)).with_output_types(str)
        )


def _sharded(outcome: Ended, shards: int) -> tuple[str, Ended]:
    return f"{outcome.place} {zlib.crc32(outcome.key.encode()) % shards}", outcome


class _Write(beam.DoFn):  # type: ignore[type-arg,unused-ignore]
    def __init__(self, folder: str, task: Task, form: str) -> None:
        self._folder, self._task, self._form = folder, task, form

    def process(
        self,
        group: tuple[str, Iterable[Ended]],
        window: Any = beam.DoFn.WindowParam,
        pane: Any = beam.DoFn.PaneInfoParam,
    ) -> Iterator[str]:
        place, shard = group[0].split()
        form = "jsonl" if place == Place.DEAD else self._form
        content = io.BytesIO()
        if place == Place.DEAD:
            content.writelines(map(letter, group[1]))
        else:
            rows = (row_of(outcome, self._task) for outcome in group[1])
            FORMS[form](rows, export.columns(self._task), content)
        name = f"{_span(window)}{shard}{f'-late{pane.index}' if pane.index > 0 else ''}.{form}"
        path = FileSystems.join(self._folder, place, name)
        _put(path, content.getvalue())
        yield path


def _span(window: Any) -> str:
    if isinstance(window, GlobalWindow):
        return "part-"
    start, end = (each.to_utc_datetime().strftime("%Y%m%dT%H%M%S") for each in (window.start, window.end))
    return f"{start}-{end}-"


def letter(outcome: Ended) -> bytes:
    """A line that tells all a replay needs."""
    told = {
        "key": outcome.key,
        "task": outcome.task,
        "task_version": outcome.task_version,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "ref": outcome.ref,
        "raw": outcome.raw.decode("utf-8", "backslashreplace"),
        "attempts": [asdict(attempt) for attempt in outcome.attempts],
    }
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _put(path: str, content: bytes) -> None:
    """Writes the file whole: under another name first, then renamed over what may be there."""
    folder, name = FileSystems.split(path)
    part = FileSystems.join(folder, f".{name}.{uuid.uuid4().hex}")
    if not FileSystems.exists(folder):
        with suppress(OSError):  # another worker was faster
            FileSystems.mkdirs(folder)
    with FileSystems.create(part, "application/octet-stream", "uncompressed") as file:
        file.write(content)
    if FileSystems.exists(path):
        FileSystems.delete([path])
    FileSystems.rename([part], [path])
