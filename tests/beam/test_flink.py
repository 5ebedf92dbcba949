"""A Flink cluster whose managers are killed, and the rows of its job."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from services import flink
from tests.beam import chats
from tests.beam.conftest import had
from tests.beam.flink_job import PARTITIONS, Job, Services, closing
from tests.beam.kill_flink import SCRIPTED, by_run, rehearse

pytestmark = [
    pytest.mark.xdist_group("flink"),
    pytest.mark.skipif(
        "REQUIRE_FLINK" not in os.environ,
        reason="beside all other tests its job may be too slow: make beam-flink, or REQUIRE_FLINK=1",
    ),
]


@pytest.mark.timeout(300)
def test_killed_managers_of_flink_change_no_row(
    postgres_server: str, kafka_broker: str, tmp_path: Path
) -> None:
    """The short form of `make beam-flink`."""
    lines = chats.lines(180)
    wanted = by_run([*lines, *map(closing, range(PARTITIONS))], tmp_path)
    with had(), flink.cluster() as cluster:
        job = Job(Services(postgres_server, kafka_broker, cluster), tmp_path)
        rehearse(job, lines, wanted, kills=2, engine=SCRIPTED, seed=3)
