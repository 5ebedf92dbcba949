"""Real services for the tests, started once for all; what needs one is skipped where it cannot be had."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec

import pytest
from services import kafka, pubsub
from services.process import Unavailable


@pytest.fixture(scope="session", autouse=True)
def services_required() -> bool:
    """Whether REQUIRE_SERVICES=1 forbids to skip."""
    return os.environ.get("REQUIRE_SERVICES", "") == "1"


def started(service: Callable[[], AbstractContextManager[str]], module: str, required: bool) -> Iterator[str]:
    """The address of a running service; skips, or fails where services are required, if it cannot be had."""
    refuse = pytest.fail if required else pytest.skip
    if find_spec(module) is None:
        refuse(f"{module} is not installed")
    try:
        with service() as address:
            yield address
    except Unavailable as error:
        refuse(str(error))


@pytest.fixture(scope="session")
def kafka_broker(services_required: bool) -> Iterator[str]:
    """The address, host:port, of a Kafka broker."""
    yield from started(kafka.broker, "confluent_kafka", services_required)


@pytest.fixture(scope="session")
def pubsub_server(services_required: bool) -> Iterator[str]:
    """The address, host:port, of a Pub/Sub server."""
    yield from started(pubsub.server, "google.cloud.pubsub_v1", services_required)


@pytest.fixture
def pubsub_emulator(pubsub_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server, which clients made from now on talk to."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_server)
    return pubsub_server


def new_topic(broker: str, partitions: int = 4) -> str:
    """The name of a new, empty topic."""
    from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

    name = f"topic-{uuid.uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": broker})
    made = admin.create_topics([NewTopic(name, partitions, 1)])
    made[name].result(timeout=30)
    return name


def fill(broker: str, topic: str, values: Sequence[bytes | None]) -> None:
    """Appends messages, spread over the partitions."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker, "linger.ms": 5})
    for number, value in enumerate(values):
        producer.produce(topic, value, key=str(number).encode())
    assert producer.flush(30) == 0


def messages(broker: str, topic: str) -> list[tuple[bytes, bytes]]:
    """The committed messages of a topic from its beginning to its end: their keys and values."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

    reader = Consumer(
        {"bootstrap.servers": broker, "group.id": uuid.uuid4().hex, "enable.partition.eof": True}
    )
    partitions = list(reader.list_topics(topic, timeout=10).topics[topic].partitions)
    reader.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    found: list[tuple[bytes, bytes]] = []
    ended: set[int | None] = set()
    while len(ended) < len(partitions):
        message = reader.poll(10)
        assert message is not None, "the topic could not be read to its end"
        error = message.error()
        if error is None:
            found.append((message.key() or b"", message.value() or b""))
        else:
            assert error.code() == KafkaError._PARTITION_EOF, error
            ended.add(message.partition())
    reader.close()
    return found
