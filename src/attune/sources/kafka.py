"""A Kafka topic, read as a member of a consumer group, by confluent-kafka."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attune.address import Address, load, parse_address
from attune.errors import AttuneError, BadConfig
from attune.sources import Delivery

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, TopicPartition
    from confluent_kafka.admin import TopicMetadata  # type: ignore[attr-defined]

log = logging.getLogger(__name__)

FORM = "kafka://host:9092/topic?group=attune"
_PATIENCE_S = 10.0
_LOOK_S = 0.5
_SETTINGS = {
    "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "cooperative-sticky",
    # The topic is not polled while there is no room: only a run that hangs should lose its partitions.
    "max.poll.interval.ms": "900000",
}
_LASTING = (
    "TOPIC_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED",
    "INVALID_SESSION_TIMEOUT",
    "UNKNOWN_TOPIC_OR_PART",
)
"""Errors that waiting does not mend."""
_OURS = {"enable.auto.commit": False, "enable.auto.offset.store": False, "enable.partition.eof": True}


class Kafka:
    """The messages of a topic, each partition in its order; without `follow` until the group has all of them.

    Offsets are committed when inputs are acknowledged, so what was not is given again, to this member or
    to another. Partitions move between members only inside `receive`: all that was given before is
    committed by then. Every option of the address but `group` is a setting of librdkafka. Raises
    AttuneError if no broker answers or the topic is not there, BadConfig for a setting it does not know.
    A broker that goes away later is waited for.
    """

    forgets = True

    def __init__(self, address: str, follow: bool = False) -> None:
        self._kafka = load("confluent_kafka", "kafka")
        self._address = parse_address(address, FORM)
        self._lasting = {getattr(self._kafka.KafkaError, name) for name in _LASTING}
        self._follow = follow
        self._assigned: set[int] | None = None
        self._ends: dict[int, int] = {}
        self._open: set[object] = set()
        self._look_at = 0.0
        self._closed = False
        self._consumer = self._connected()
        self._consumer.subscribe(
            [self._address.name], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke
        )

    def receive(self, most: int, wait_s: float) -> list[Delivery] | None:
        deadline = time.monotonic() + wait_s
        while True:
            messages = self._poll(most, max(0.0, deadline - time.monotonic()))
            if found := [self._delivery(message) for message in messages if self._is_input(message)]:
                return found
            if not self._follow and self._is_at_end():
                return None
            if time.monotonic() >= deadline:
                return []

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        next_ones: dict[int, int] = {}
        for each in deliveries:
            partition, offset = self._receipt(each)
            next_ones[partition] = max(next_ones.get(partition, 0), offset + 1)
        self._open -= {each.receipt for each in deliveries}
        self._commit(next_ones)

    def _commit(self, next_ones: dict[int, int]) -> None:
        try:
            self._consumer.commit(offsets=self._places(next_ones), asynchronous=False)
        except self._kafka.KafkaException as error:
            # Nothing is lost: they stand in the store, and are known there if they are given again.
            why = "Inputs were taken up, but Kafka could not be told, and may give them again: %s"
            log.warning(why, error.args[0], extra={"action": "kafka_commit_failed"})

    def fraction(self) -> float | None:
        """A topic grows: its end is not known."""
        return None

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._consumer.close()

    def _connected(self) -> Consumer:
        address = self._address
        given = {name: value for name, value in address.options.items() if name != "group"}
        group = {"bootstrap.servers": address.where, "group.id": address.options.get("group") or "attune"}
        try:
            consumer: Consumer = self._kafka.Consumer(_SETTINGS | given | group | _OURS, logger=log)
        except self._kafka.KafkaException as error:
            raise BadConfig(f"{address.shown}: {error.args[0].str()}") from error
        try:
            topic_of(consumer, address)
        except AttuneError:
            consumer.close()
            raise
        return consumer

    def _poll(self, most: int, wait_s: float) -> list[Message]:
        try:
            first = self._consumer.poll(wait_s)
            if first is None:
                return []
            more = self._consumer.consume(most - 1, 0.0) if most > 1 else []
        except self._kafka.KafkaException as error:
            raise AttuneError(f"{self._address.shown} cannot be read: {error.args[0].str()}") from error
        return [first, *more]

    def _is_input(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() == self._kafka.KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's public name
            self._ends[_partition(message)] = message.offset() or 0
        elif error.fatal() or error.code() in self._lasting:
            raise AttuneError(f"{self._address.shown} cannot be read any more: {error.str()}")
        else:
            log.warning(
                "Kafka: %s", error.str(), extra={"action": "kafka_error", "topic": self._address.name}
            )
        return False

    def _delivery(self, message: Message) -> Delivery:
        partition, offset = _partition(message), message.offset()
        assert offset is not None
        self._ends.pop(partition, None)
        self._open.add((partition, offset))
        ref = f"{self._address.shown}/{partition}@{offset}"
        # A message without a value is an input like others: it becomes a dead letter.
        value: Any = message.value()
        return Delivery(value or b"", ref, (partition, offset))

    def _is_at_end(self) -> bool:
        """Whether all that is this member's has been read, and the group has committed all of the rest: what
        another member holds is this one's if that one dies."""
        if self._assigned is None or not self._assigned <= self._ends.keys():
            return False
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + _LOOK_S
        if not self._open and self._ends:
            # Behind the last message may stand the end of a transaction: others look at the very end.
            self._commit(self._ends)
        try:
            return self._group_is_done()
        except self._kafka.KafkaException as error:
            why = "It could not be seen how far the group is: %s"
            log.warning(why, error.args[0], extra={"action": "kafka_error"})
            return False

    def _group_is_done(self) -> bool:
        topic = self._consumer.list_topics(self._address.name, timeout=_PATIENCE_S).topics[self._address.name]
        others = [self._place(number) for number in topic.partitions if number not in self._ends]
        for place in self._consumer.committed(others, timeout=_PATIENCE_S) if others else ():
            low, high = self._consumer.get_watermark_offsets(
                self._place(place.partition), timeout=_PATIENCE_S
            )
            if max(place.offset, low) < high:
                return False
        return True

    def _assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._assigned = (self._assigned or set()) | {each.partition for each in partitions}

    def _revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        gone = {each.partition for each in partitions}
        self._assigned = (self._assigned or set()) - gone
        for partition in gone:
            self._ends.pop(partition, None)

    def _place(self, partition: int) -> TopicPartition:
        place: TopicPartition = self._kafka.TopicPartition(self._address.name, partition)
        return place

    def _places(self, offsets: dict[int, int]) -> list[TopicPartition]:
        topic = self._address.name
        return [self._kafka.TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]

    def _receipt(self, delivery: Delivery) -> tuple[int, int]:
        assert isinstance(delivery.receipt, tuple)
        partition, offset = delivery.receipt
        return partition, offset


def topic_of(consumer: Consumer, address: Address) -> TopicMetadata:
    """What the broker says of the topic. Raises AttuneError if none answers, or the topic is not there."""
    try:
        found: TopicMetadata = consumer.list_topics(address.name, timeout=_PATIENCE_S).topics[address.name]
    except load("confluent_kafka", "kafka").KafkaException as error:
        why = f"no broker answers at {address.where}: {error.args[0].str()}"
        raise AttuneError(f"{why}\nIs it running? Are host and port right?") from error
    if found.error is not None:
        raise AttuneError(f"{address.shown}: the topic cannot be read: {found.error.str()}")
    return found


def _partition(message: Message) -> int:
    partition = message.partition()
    assert partition is not None
    return partition
