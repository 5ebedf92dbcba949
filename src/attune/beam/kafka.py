"""`ReadKafka`: the chats of a Kafka topic, its offsets kept by the runner; no Java is needed for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.pvalue import PCollection
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from attune.address import Address, load, parse_address
from attune.beam.item import item_of
from attune.feed import identify
from attune.limits import Limits
from attune.sources.kafka import topic_of
from attune.store import Item

FORM = "kafka://host:9092/topic?until=end"
_PATIENCE_S = 10.0
_POLL_S = 0.5
_AT_ONCE = 500
_IDLE = Duration(seconds=1)
_OURS = {"enable.auto.commit": False, "enable.partition.eof": True, "group.id": "attune-beam"}
_Part = tuple[str, int]
"""An address and the number of a partition."""


class ReadKafka(beam.PTransform):
    """Items of a topic's messages, from its beginning; with `until=end` up to where it ends at the start.

    Each message comes once for all that the runner keeps: the offsets are part of its checkpoints, and no
    group has them. An element has its message's timestamp. An option of the address other than `until` is a
    setting of librdkafka. Raises AttuneError if no broker answers, or the topic is not there.
    """

    def __init__(self, address: str, max_chat_bytes: int = Limits().max_chat_bytes) -> None:
        super().__init__()
        parse_address(address, FORM)
        self._address, self._max_bytes = address, max_chat_bytes

    def expand(self, root: Any) -> PCollection[Item]:
        return (
            root
            | "Topic" >> beam.Create([self._address])
            | "Partitions" >> beam.FlatMap(_partitions).with_output_types(tuple[str, int])
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.ParDo(_Read(self._max_bytes)).with_output_types(Item)
        )


def _consumer(address: Address) -> Any:
    given = {name: value for name, value in address.options.items() if name != "until"}
    kafka = load("confluent_kafka", "kafka")
    return kafka.Consumer(
        {"bootstrap.servers": address.where, "auto.offset.reset": "earliest", **given, **_OURS}
    )


def _partitions(address: str) -> Iterator[_Part]:
    parsed = parse_address(address, FORM)
    consumer = _consumer(parsed)
    try:
        found = topic_of(consumer, parsed)
    finally:
        consumer.close()
    for number in sorted(found.partitions):
        yield address, number


class _Offsets(RestrictionProvider):
    def initial_restriction(self, part: _Part) -> OffsetRange:
        address = parse_address(part[0], FORM)
        consumer = _consumer(address)
        try:
            low, high = consumer.get_watermark_offsets(_place(address, part[1]), timeout=_PATIENCE_S)
        finally:
            consumer.close()
        return OffsetRange(low, high if address.options.get("until") == "end" else sys.maxsize)

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, part: _Part, restriction: OffsetRange) -> int:
        return min(restriction.size(), 1_000_000)  # how long an endless one is says nothing


class _Read(beam.DoFn):
    """Reads a partition for a while, then hands the rest back to the runner, which may move it."""

    OFFSETS = beam.DoFn.RestrictionParam(_Offsets())
    WATERMARK = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        part: _Part,
        tracker: Any = OFFSETS,
        watermark: Any = WATERMARK,
    ) -> Iterator[Any]:
        address = parse_address(part[0], FORM)
        restriction = tracker.current_restriction()
        if restriction.start >= restriction.stop:
            tracker.try_claim(restriction.stop)
            return
        consumer = _consumer(address)
        consumer.assign([_place(address, part[1], restriction.start)])
        newest = watermark.current_watermark()
        try:
            for message in _messages(consumer, restriction):
                if not tracker.try_claim(message.offset()):
                    return
                moment = Timestamp(micros=message.timestamp()[1] * 1000)
                newest = moment if newest is None else max(newest, moment)
                ref = f"{address.shown}/{part[1]}@{message.offset()}"
                # A message without a value is an input like others: it becomes a dead letter.
                yield TimestampedValue(
                    item_of(identify(message.value() or b"", ref, self._max_bytes)), moment
                )
            (reached,) = consumer.position([_place(address, part[1])])
        finally:
            consumer.close()
        if reached.offset >= restriction.stop:
            # What a transaction leaves at the end of a topic has an offset, and no message.
            tracker.try_claim(restriction.stop)
            return
        if newest is not None:
            watermark.set_watermark(newest)
        tracker.defer_remainder(_IDLE)


def _messages(consumer: Any, restriction: OffsetRange) -> Iterator[Any]:
    """Messages until there are none for a moment, or there were enough for one go."""
    until = time.monotonic() + _PATIENCE_S
    given = 0
    while given < _AT_ONCE and time.monotonic() < until:
        message = consumer.poll(_POLL_S if given else _PATIENCE_S)
        if message is None or message.error() is not None:
            return
        given += 1
        yield message
        if message.offset() + 1 >= restriction.stop:
            return


def _place(address: Address, partition: int, offset: int = 0) -> Any:
    return load("confluent_kafka", "kafka").TopicPartition(address.name, partition, offset)
