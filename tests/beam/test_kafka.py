"""A Kafka topic into a pipeline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import pytest
from tests.beam import chats
from tests.beam.conftest import prism_options
from tests.beam.flink_job import Feed
from tests.beam.kill_flink import by_run, same_rows

from attune.beam import ReadKafka
from attune.errors import BadConfig

pytestmark = pytest.mark.xdist_group("kafka")


def test_a_topic_ends_as_the_same_chats_of_a_file(kafka_broker: str, tmp_path: Path) -> None:
    lines, feed, store = chats.lines(500), Feed(kafka_broker), str(tmp_path / "kafka.db")
    feed.give(lines)
    command = [sys.executable, "-W", "ignore", "-m", "attune", "beam", "run", "--runner=prism"]
    source = f"--source=kafka://{kafka_broker}/{feed.topic}?until=end"
    done = subprocess.run(
        [*command, source, f"--sink={store}", f"--engine={chats.ENGINE}", "--", *prism_options()[1:]],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert same_rows(store) == by_run(lines, tmp_path)


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
