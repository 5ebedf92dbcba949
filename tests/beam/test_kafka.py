"""A Kafka topic into a pipeline, and the same on a Flink cluster with kills."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import pytest
from services import flink
from services.process import Unavailable
from tests.beam import chats
from tests.beam.conftest import prism_options
from tests.beam.kill_flink import fill, rehearse, same_rows, undisturbed
from tests.brokers import new_topic

from attune.beam import ReadKafka
from attune.errors import BadConfig

pytestmark = pytest.mark.xdist_group("kafka")


def test_a_topic_ends_as_the_same_chats_of_a_file(kafka_broker: str, tmp_path: Path) -> None:
    lines, topic, store = chats.lines(500), new_topic(kafka_broker), str(tmp_path / "kafka.db")
    fill(kafka_broker, topic, lines)
    job = [sys.executable, "-W", "ignore", "-m", "tests.beam.kafka_job"]
    address = f"kafka://{kafka_broker}/{topic}?until=end"
    done = subprocess.run(
        [*job, address, store, chats.ENGINE, *prism_options()],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert same_rows(store) == undisturbed(lines, tmp_path)


def test_a_topic_that_is_not_there_is_told(kafka_broker: str) -> None:
    pipeline = beam.Pipeline("FnApiRunner")
    pipeline | ReadKafka(f"kafka://{kafka_broker}/no-such-topic?until=end")
    with pytest.raises(Exception, match="no-such-topic: the topic cannot be read"):
        pipeline.run().wait_until_finish()


def test_a_broker_that_does_not_answer_is_told() -> None:
    pipeline = beam.Pipeline("FnApiRunner")
    pipeline | ReadKafka("kafka://127.0.0.1:1/chats")
    with pytest.raises(Exception, match=r"no broker answers at 127\.0\.0\.1:1"):
        pipeline.run().wait_until_finish()


def test_an_address_without_a_topic_is_told() -> None:
    with pytest.raises(BadConfig, match="kafka://host:9092/topic"):
        ReadKafka("kafka://broker")


@pytest.mark.skipif(
    os.environ.get("REQUIRE_FLINK") != "1",
    reason="a cluster of seven processes: REQUIRE_FLINK=1, or make beam-flink, runs it",
)
@pytest.mark.timeout(400)
def test_a_killed_manager_of_flink_changes_no_row(postgres_server: str, kafka_broker: str) -> None:
    """The short form of `make beam-flink`: one kill."""
    try:
        with flink.cluster() as cluster:
            rehearse(cluster, postgres_server, kafka_broker, kills=1, each=60, seed=3)
    except Unavailable as reason:
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip)(str(reason))
