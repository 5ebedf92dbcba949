"""Chats into a pipeline: files of them, what is in a line, and each chat once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import apache_beam as beam
from apache_beam.coders import StrUtf8Coder
from apache_beam.io.fileio import EmptyMatchTreatment, MatchAll
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Duration

from attune.beam.item import item_of, sort_key
from attune.feed import identify
from attune.limits import Limits
from attune.sources.files.lines import Lines
from attune.store import Item

log = logging.getLogger(__name__)

_CHUNK = 64 * 1024
_KEEP_S = 24 * 3600.0


class ReadChats(beam.PTransform):
    """The lines of files, as items with "file:line" beside them. The input of the pipeline is its root.

    `patterns` are paths or globs of any file system that Beam knows; .gz, .zst and .bz2 are unpacked. One
    worker reads a file, and its lines go to all. Lines longer than `max_chat_bytes` are dead letters.
    """

    def __init__(self, patterns: Sequence[str], max_chat_bytes: int = Limits().max_chat_bytes) -> None:
        super().__init__()
        self._patterns, self._max_bytes = list(patterns), max_chat_bytes

    def expand(self, root: Any) -> PCollection[Item]:
        return (
            root
            | "Patterns" >> beam.Create(self._patterns)
            | "Match" >> MatchAll(EmptyMatchTreatment.DISALLOW)
            | "Spread files" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(_read, self._max_bytes).with_output_types(Item)
        )


class ParseChats(beam.PTransform):
    """Items of what holds a chat: bytes or text in JSON, a mapping, a Chat, or (where from, bytes or text).

    What can't be read is passed on too, and `Handle` makes a dead letter of it: nothing is lost on the way.
    """

    def __init__(self, max_chat_bytes: int = Limits().max_chat_bytes) -> None:
        super().__init__()
        self._max_bytes = max_chat_bytes

    def expand(self, raw: PCollection[Any]) -> PCollection[Item]:
        return raw | beam.Map(item_of, self._max_bytes).with_output_types(Item)


class Once(beam.PTransform):
    """Each chat once, by its id: copies with the same words are dropped, and counted as `repeated`.

    The same id with other words is marked: `Handle` makes it a dead letter. In a bounded pipeline the chat
    that comes first by file and line counts; in a stream the first to arrive, and ids are remembered for
    `keep_s` seconds of event time. A store behind the pipeline knows those of earlier runs.
    """

    def __init__(self, keep_s: float = _KEEP_S) -> None:
        super().__init__()
        self._keep_s = keep_s

    def expand(self, items: PCollection[Item]) -> PCollection[Item]:
        keyed = items | "By id" >> beam.ParDo(_ByID()).with_output_types(tuple[str, Item])
        if items.is_bounded:
            return keyed | beam.GroupByKey() | "First" >> beam.ParDo(_First()).with_output_types(Item)
        return keyed | "New" >> beam.ParDo(_New(self._keep_s)).with_output_types(Item)


def _read(match: Any, max_bytes: int) -> Iterator[Item]:
    lines = Lines(max_bytes)
    with FileSystems.open(match.path, "application/octet-stream", CompressionTypes.AUTO) as file:
        while chunk := file.read(_CHUNK):
            yield from _items(match.path, lines.feed(chunk), max_bytes)
    yield from _items(match.path, lines.end(), max_bytes)


def _items(path: str, numbered: Iterable[tuple[int, bytes]], max_bytes: int) -> Iterator[Item]:
    for number, raw in numbered:
        yield item_of(identify(raw, f"{path}:{number}", max_bytes))


class _ByID(beam.DoFn):
    def __init__(self) -> None:
        self._read = Metrics.counter("attune", "in")

    def process(self, item: Item) -> Iterator[tuple[str, Item]]:
        self._read.inc()
        yield item.key, item


class _First(beam.DoFn):
    def __init__(self) -> None:
        self._repeated = Metrics.counter("attune", "repeated")

    def process(self, group: tuple[str, Iterable[Item]]) -> Iterator[Item]:
        seen: set[str] = set()
        for item in sorted(group[1], key=sort_key):
            if item.digest in seen:
                self._repeated.inc()
                continue
            yield replace(item, conflict=True) if seen else item
            seen.add(item.digest)


class _New(beam.DoFn):
    SEEN = ReadModifyWriteStateSpec("seen", StrUtf8Coder())
    FORGET = TimerSpec("forget", TimeDomain.WATERMARK)

    def __init__(self, keep_s: float) -> None:
        self._keep = Duration.of(keep_s)
        self._repeated = Metrics.counter("attune", "repeated")

    def process(
        self,
        keyed: tuple[str, Item],
        timestamp: Any = beam.DoFn.TimestampParam,
        seen: Any = beam.DoFn.StateParam(SEEN),
        forget: Any = beam.DoFn.TimerParam(FORGET),
    ) -> Iterator[Item]:
        item, digests = keyed[1], (seen.read() or "").split()
        if item.digest in digests:
            self._repeated.inc()
            return
        if not digests:
            forget.set(timestamp + self._keep)
        seen.write(" ".join([*digests, item.digest]))
        yield replace(item, conflict=True) if digests else item

    @on_timer(FORGET)
    def forget(self, seen: Any = beam.DoFn.StateParam(SEEN)) -> None:
        seen.clear()
