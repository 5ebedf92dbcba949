"""A topic of a real Kafka broker as a source: the contract, groups, rebalances, and what its errors say."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from threading import Thread

import pytest
from confluent_kafka import Producer
from tests.brokers import fill, new_topic
from tests.sources.contract import INPUTS, SourceContract, drained

from attune.connect import source as connect_source
from attune.errors import AttuneError, BadConfig
from attune.sources import Delivery, Source
from attune.sources.kafka import Kafka

pytestmark = pytest.mark.xdist_group("kafka")

WAIT_S = 10.0
QUICK = "session.timeout.ms=2000&heartbeat.interval.ms=300"


def address(broker: str, topic: str, group: str = "") -> str:
    """A source's address; the group has the topic's name, since a group waits for all of its members."""
    return f"kafka://{broker}/{topic}?group={group or topic}&{QUICK}"


def everything(address: str) -> list[Delivery]:
    with closing(Kafka(address)) as source:
        return drained(source, wait_s=WAIT_S)


class TestKafkaContract(SourceContract):
    wait_s = WAIT_S

    @pytest.fixture(autouse=True)
    def broker(self, kafka_broker: str) -> Iterator[None]:
        self._broker = kafka_broker
        self._topic = ""
        self._made: list[Kafka] = []
        yield
        for source in self._made:
            source.close()

    def make(self, inputs: Sequence[bytes]) -> Source:
        if not self._topic:
            self._topic = new_topic(self._broker)
            fill(self._broker, self._topic, inputs)
        self._made.append(Kafka(address(self._broker, self._topic)))
        return self._made[-1]


@pytest.fixture
def topic(kafka_broker: str) -> str:
    topic = new_topic(kafka_broker)
    fill(kafka_broker, topic, INPUTS)
    return topic


def test_what_was_acknowledged_does_not_come_again(kafka_broker: str, topic: str) -> None:
    first = Kafka(address(kafka_broker, topic))
    taken = first.receive(40, WAIT_S) or []
    first.ack(taken)
    first.close()
    rest = everything(address(kafka_broker, topic))
    assert sorted(each.raw for each in [*taken, *rest]) == sorted(INPUTS)


def test_each_group_gets_everything(kafka_broker: str, topic: str) -> None:
    for group in ("one", "two"):
        found = everything(address(kafka_broker, topic, group))
        assert len(found) == len(INPUTS)


def test_a_rebalance_in_the_middle_loses_and_doubles_nothing(kafka_broker: str, topic: str) -> None:
    one, two = (Kafka(address(kafka_broker, topic), follow=True) for _ in range(2))
    found: list[Delivery] = []
    shares = [0, 0]
    fed = 0
    while len(found) < 2 * len(INPUTS):
        for number, member in enumerate((one, two) if len(found) > 60 else (one,)):
            taken = member.receive(10, 0.3) or []
            member.ack(taken)
            shares[number] += len(taken)
            found += taken
        if shares[1] == 0 and len(found) >= len(INPUTS) - 20 and fed < len(INPUTS):
            fill(kafka_broker, topic, [b"more %d" % fed])
            fed += 1
        elif shares[1] and fed < len(INPUTS):
            fill(kafka_broker, topic, [b"more %d" % number for number in range(fed, len(INPUTS))])
            fed = len(INPUTS)
    two.close()
    one.close()
    assert shares[1] > 0
    assert len({each.ref for each in found}) == len(found) == 2 * len(INPUTS)


def test_what_a_member_holds_that_ends_without_a_word_is_read_before_the_end(
    kafka_broker: str, topic: str
) -> None:
    """A member that was killed keeps its partitions until its session ends: a run must wait for them."""
    script = (
        "import os; from attune.sources.kafka import Kafka\n"
        f"source = Kafka({address(kafka_broker, topic)!r}, follow=True)\n"
        "print(source.receive(1, 20), flush=True); source.receive(1, 0.5); os._exit(9)"
    )
    survivor = Kafka(address(kafka_broker, topic))
    first = survivor.receive(1, WAIT_S) or []
    survivor.ack(first)
    with (
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as killed,
        closing(survivor),
    ):
        while killed.poll() is None:  # it must have its share of the partitions when it dies
            survivor.ack(more := survivor.receive(1, 0.2) or [])
            first += more
            time.sleep(0.2)
        assert len(first) < len(INPUTS)
        rest = drained(survivor, wait_s=WAIT_S)
    assert sorted(each.raw for each in [*first, *rest]) == sorted(INPUTS)


def test_a_topic_that_ends_with_a_transaction_is_read_to_its_end_by_two(kafka_broker: str) -> None:
    topic = new_topic(kafka_broker)
    producer = Producer({"bootstrap.servers": kafka_broker, "transactional.id": topic})
    producer.init_transactions()
    producer.begin_transaction()
    for number in range(40):
        producer.produce(topic, b"%d" % number, key=str(number).encode())
    producer.commit_transaction()
    found: list[list[Delivery]] = [[], []]
    with (
        closing(Kafka(address(kafka_broker, topic))) as one,
        closing(Kafka(address(kafka_broker, topic))) as two,
    ):

        def read(source: Source, into: list[Delivery]) -> None:
            into += drained(source, wait_s=WAIT_S)

        threads = [Thread(target=read, args=pair) for pair in zip((one, two), found, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({each.ref for each in found[0] + found[1]}) == len(found[0] + found[1]) == 40


def test_a_message_without_a_value_is_an_input_too(kafka_broker: str) -> None:
    topic = new_topic(kafka_broker)
    fill(kafka_broker, topic, [None])
    assert [each.raw for each in everything(address(kafka_broker, topic))] == [b""]


def test_with_follow_there_is_no_end(kafka_broker: str, topic: str) -> None:
    source = connect_source([address(kafka_broker, topic)], 1000, follow=True)
    assert source is not None
    assert len(drained(source, most=500, wait_s=2.0)) == len(INPUTS)
    assert source.receive(5, 0.0) == []
    fill(kafka_broker, topic, [b"late"])
    assert [each.raw for each in source.receive(5, WAIT_S) or []] == [b"late"]
    source.close()


def test_a_topic_that_is_not_there_is_named(kafka_broker: str) -> None:
    with pytest.raises(
        AttuneError, match=r"kafka://.*/nowhere: the topic cannot be read: .*[Uu]nknown topic"
    ):
        Kafka(address(kafka_broker, "nowhere"))


def test_a_broker_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attune.sources.kafka._PATIENCE_S", 0.5)
    with pytest.raises(AttuneError, match=r"no broker answers at 127\.0\.0\.1:9: "):
        Kafka("kafka://127.0.0.1:9/chats")


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(BadConfig, match=r"kafka://127\.0\.0\.1:9/chats: .*grup"):
        Kafka("kafka://127.0.0.1:9/chats?grup=attune")


@pytest.mark.parametrize("text", ["kafka://", "kafka://host:9092", "kafka:///topic", "kafka://[/x"])
def test_an_address_without_a_topic_is_told_the_form(text: str) -> None:
    with pytest.raises(BadConfig, match=r"is no address like kafka://host:9092/topic\?group=attune"):
        Kafka(text)


def test_an_error_that_waiting_does_not_mend_ends_the_reading(kafka_broker: str, topic: str) -> None:
    source = Kafka(f"kafka://{kafka_broker}/{topic}?session.timeout.ms=10&heartbeat.interval.ms=5")
    with pytest.raises(AttuneError, match=r"cannot be read any more: .*session timeout"):
        source.receive(5, WAIT_S)
    source.close()


def test_a_broker_is_not_read_together_with_others() -> None:
    with pytest.raises(BadConfig, match="kafka: cannot be read together with others"):
        connect_source([f"kafka://x/{uuid.uuid4()}", "chats.jsonl"], 1000)
