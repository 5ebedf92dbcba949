"""kill -9 of a run from Kafka to Kafka: every outcome comes out once. The long form: `make kill-kafka`."""

from __future__ import annotations

import pytest
from tests.acceptance.kill_kafka import campaign


@pytest.mark.xdist_group("kafka")
def test_killed_runs_between_two_topics_lose_and_double_nothing(kafka_broker: str) -> None:
    told: list[str] = []
    assert campaign(kafka_broker, kills=3, chats=200, seed=3, say=told.append) >= 3
    assert told
