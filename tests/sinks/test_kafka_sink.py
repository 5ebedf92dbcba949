"""A topic of a real Kafka broker as a sink: the contract, transactions, and what it says of errors."""

from __future__ import annotations

import json

import pytest
from tests.brokers import fill, messages, new_topic
from tests.sinks.contract import COLUMNS, SinkContract, a_row, batch, rows

from attune.errors import BadConfig
from attune.export import Row
from attune.outcome import Place
from attune.sinks import Sink, SinkError
from attune.sinks.kafka import Kafka

pytestmark = pytest.mark.xdist_group("kafka")


class TestKafkaContract(SinkContract):
    @pytest.fixture(autouse=True)
    def topic(self, kafka_broker: str) -> None:
        self._broker = kafka_broker
        self._topic = new_topic(kafka_broker)

    def make(self) -> Sink:
        return Kafka(f"kafka://{self._broker}/{self._topic}", COLUMNS)

    def read(self) -> list[Row]:
        return [json.loads(value) for _, value in messages(self._broker, self._topic)]


def test_messages_come_in_their_order_under_the_id_of_the_chat(kafka_broker: str) -> None:
    topic = new_topic(kafka_broker, partitions=1)
    sink = Kafka(f"kafka://{kafka_broker}/{topic}", COLUMNS)
    sink.write(batch(rows(50)))
    sink.write(batch(rows(50, 50), first=50))
    sink.close()
    assert [key for key, _ in messages(kafka_broker, topic)] == [b"chat-%d" % number for number in range(100)]


def test_a_second_writer_shuts_the_first_out(kafka_broker: str) -> None:
    topic = new_topic(kafka_broker)
    first, second = (Kafka(f"kafka://{kafka_broker}/{topic}", COLUMNS) for _ in range(2))
    first.write(batch(rows(3)))
    second.write(batch(rows(3, 3), first=3))
    with pytest.raises(SinkError, match="fenced"):
        first.write(batch(rows(3, 3), first=3))
    first.write(batch(rows(3, 3), first=3, again=True))
    assert len(messages(kafka_broker, topic)) == 6
    first.close()
    second.close()


def test_without_transactions_many_write_and_a_batch_that_comes_again_is_there_again(
    kafka_broker: str,
) -> None:
    topic = new_topic(kafka_broker)
    first, second = (Kafka(f"kafka://{kafka_broker}/{topic}?transactions=false", COLUMNS) for _ in range(2))
    first.write(batch(rows(3)))
    second.write(batch(rows(3, 3)))
    first.write(batch(rows(3), again=True))
    assert sorted(key for key, _ in messages(kafka_broker, topic)) == sorted(
        b"chat-%d" % number for number in (0, 1, 2, 0, 1, 2, 3, 4, 5)
    )
    first.close()
    second.close()


def test_without_transactions_a_broker_that_is_away_is_told() -> None:
    sink = Kafka("kafka://127.0.0.1:1/topic?transactions=false&message.timeout.ms=500", COLUMNS)
    with pytest.raises(SinkError, match=r"kafka://127\.0\.0\.1:1/topic cannot be written: .*timed out"):
        sink.write(batch(rows(1)))
    sink.close()


def test_a_chat_that_is_too_long_for_a_message_is_left_out_and_the_row_says_so(kafka_broker: str) -> None:
    topic = new_topic(kafka_broker)
    sink = Kafka(f"kafka://{kafka_broker}/{topic}", COLUMNS)
    long = a_row(0, Place.REVIEW) | {"review_chat": "x" * 2_000_000}
    sink.write(batch([long, a_row(1)]))
    sink.close()
    found = {key: json.loads(value) for key, value in messages(kafka_broker, topic)}
    assert found[b"chat-0"]["review_chat"] is None
    assert found[b"chat-0"]["flags"][-1].startswith("review_chat left out: the message would have 2,00")
    assert found.keys() == {b"chat-0", b"chat-1"}


def test_an_open_transaction_of_another_does_not_hinder_us(kafka_broker: str) -> None:
    topic = new_topic(kafka_broker, partitions=1)
    fill(kafka_broker, topic, [b"not ours"])
    sink = Kafka(f"kafka://{kafka_broker}/{topic}", COLUMNS)
    sink.write(batch(rows(1)))
    sink.close()
    assert len(messages(kafka_broker, topic)) == 2


def test_a_broker_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attune.sinks.kafka._PATIENCE_S", 0.5)
    with pytest.raises(SinkError, match=r"kafka://127\.0\.0\.1:9/out cannot be written: "):
        Kafka("kafka://127.0.0.1:9/out", COLUMNS).write(batch(rows(1)))


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(BadConfig, match=r"kafka://127\.0\.0\.1:9/out: .*acksies"):
        Kafka("kafka://127.0.0.1:9/out?acksies=1", COLUMNS)
