"""A Kafka topic, written in transactions that carry the sink's position, by confluent-kafka."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attune.address import load, parse_address
from attune.errors import BadConfig
from attune.export import Column
from attune.sinks import OPTIONS, Batch, SinkError, Terms, key, message, terms

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer

log = logging.getLogger(__name__)

FORM = "kafka://host:9092/topic"
_PATIENCE_S = 20.0
_MAX_BYTES = 1_000_000
_ENVELOPE_BYTES = 2000


class Kafka:
    """A message for each outcome, keyed by the chat's id, with the outcome's key in the header `attune-key`.

    A batch is one transaction, which also commits the batch's number as the offset of a group of the sink's
    own: a batch that comes again and is there already is not written again, so a reader of committed
    messages sees each once. A second writer of the same sink shuts the first out. With `transactions=false`
    many may write, and a batch that comes again is written again. Every option of the address but ours is a
    setting of librdkafka.
    """

    def __init__(self, address: str, columns: Sequence[Column]) -> None:
        self._kafka = load("confluent_kafka", "kafka")
        self._address = parse_address(address, FORM)
        self._terms = terms(self._address, rows=500)
        self._alone = self._address.flag("transactions", default=True)
        ours = (*OPTIONS, "transactions")
        theirs = {name: value for name, value in self._address.options.items() if name not in ours}
        self._max_bytes = int(self._address.number("message.max.bytes", _MAX_BYTES)) - _ENVELOPE_BYTES
        group = f"attune-sink {self._terms.name}"
        common = {**theirs, "bootstrap.servers": self._address.where}
        self._reading = {**common, "group.id": group, "enable.auto.commit": False}
        kind = {"transactional.id": group} if self._alone else {"enable.idempotence": True}
        self._writing = {"compression.type": "zstd", **common, **kind}
        self._producer: Producer | None = None
        self._group: Consumer | None = None
        self._check_settings()

    @property
    def terms(self) -> Terms:
        return self._terms

    def write(self, batch: Batch) -> None:
        try:
            producer = self._connected()
            if not self._alone:
                self._produce(producer, batch)
            elif not (batch.again and self._position() >= batch.last):
                self._commit(producer, batch)
        except SinkError:
            self._drop()
            raise
        except (self._kafka.KafkaException, BufferError) as error:
            self._drop()
            why = error.args[0].str() if isinstance(error, self._kafka.KafkaException) else str(error)
            raise SinkError(f"{self._terms.name} cannot be written: {why}") from error

    def close(self) -> None:
        if self._group is not None:
            self._group.close()
        self._drop()

    def _produce(self, producer: Producer, batch: Batch) -> None:
        """Returns when the broker has all."""
        refused: list[str] = []
        for row in batch.rows:
            headers: list[tuple[str, str | bytes | None]] = [("attune-key", key(row).encode())]
            producer.produce(
                self._address.name,
                message(row, self._max_bytes),
                key=str(row["id"]).encode(),
                headers=headers,
                on_delivery=lambda error, _: refused.append(error.str()) if error else None,
            )
        left = producer.flush(_PATIENCE_S)
        if refused or left:
            why = refused[0] if refused else f"{left} messages were not taken within {_PATIENCE_S:g} s"
            raise SinkError(f"{self._terms.name} cannot be written: {why}")

    def _commit(self, producer: Producer, batch: Batch) -> None:
        assert self._group is not None
        producer.begin_transaction()
        self._produce(producer, batch)
        place = self._kafka.TopicPartition(self._address.name, 0, batch.last)
        producer.send_offsets_to_transaction([place], self._group.consumer_group_metadata(), _PATIENCE_S)
        producer.commit_transaction(_PATIENCE_S)

    def _position(self) -> int:
        """The number of the last outcome that is in the topic."""
        assert self._group is not None
        place = self._kafka.TopicPartition(self._address.name, 0)
        (found,) = self._group.committed([place], timeout=_PATIENCE_S)
        return int(found.offset)  # below zero where there is none

    def _connected(self) -> Producer:
        if self._producer is None:
            self._producer = self._kafka.Producer(self._writing, logger=log)
        if self._alone and self._group is None:
            self._group = self._kafka.Consumer(self._reading, logger=log)
            # Also ends what an earlier writer left open, so that the position is the whole truth.
            self._producer.init_transactions(_PATIENCE_S)
        return self._producer

    def _drop(self) -> None:
        self._producer = self._group = None

    def _check_settings(self) -> None:
        """A setting that is unknown is said at the start; making a client connects to nothing yet."""
        for kind, settings in ((self._kafka.Producer, self._writing), (self._kafka.Consumer, self._reading)):
            try:
                made: Any = kind(settings, logger=log)
            except self._kafka.KafkaException as error:
                raise BadConfig(f"{self._terms.name}: {error.args[0].str()}") from error
            del made
