"""The same chats by every way in: the rows are equal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from services import spark
from tests.beam import chats
from tests.beam.conftest import had, runner_options

from attune import connect, stream
from attune.beam import Handle, Once, ParseChats, ReadChats, WriteOutcomes
from attune.handle import Act
from attune.outcome import Place
from attune.store import Store

CHATS = 2000
Way = Callable[[Path, str], None]


def by_run(path: Path, store: str) -> None:
    source = connect.source([str(path)], 8_000_000)
    assert source is not None
    engine = connect.engine(chats.ENGINE)
    with Store.open(store) as opened:
        stream.run(source, opened, Act(connect.task("triage", chats.ENGINE), engine))
    engine.close()


def by_beam(runner: str, *more: str) -> Way:
    return lambda path, store: through(PipelineOptions([*runner_options(runner), *more]), path, store)


def by_spark(path: Path, store: str) -> None:
    with had(), spark.job_server() as endpoint:
        options = ["--runner=SparkRunner", f"--job_endpoint={endpoint}", "--environment_type=LOOPBACK"]
        through(PipelineOptions(options), path, store)


def through(options: PipelineOptions, path: Path, store: str) -> None:
    with beam.Pipeline(options=options) as pipeline:
        handled = pipeline | ReadChats([str(path)]) | Once() | Handle(chats.ENGINE)
        for number, ended in enumerate(handled.all):
            ended | f"Write {number}" >> WriteOutcomes(store)


WAYS: dict[str, Way] = {
    "beam, direct": by_beam("direct"),
    "beam, two processes": by_beam(
        "direct", "--direct_num_workers=2", "--direct_running_mode=multi_processing"
    ),
    "beam, prism": by_beam("prism"),
    "beam, spark": by_spark,
}
"""By name; whoever adds a way in adds a line."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[object]]]:
    folder = tmp_path_factory.mktemp("ways")
    path = chats.write(folder / "chats.jsonl", CHATS)
    by_run(path, str(folder / "run.db"))
    return path, chats.ends(str(folder / "run.db"))


@pytest.mark.timeout(400)  # a first run fetches Spark and builds Prism
@pytest.mark.parametrize("way", WAYS)
def test_the_rows_are_those_of_attune_run(
    way: str, expected: tuple[Path, dict[str, list[object]]], tmp_path: Path
) -> None:
    path, rows = expected
    WAYS[way](path, str(tmp_path / "way.db"))
    found = chats.ends(str(tmp_path / "way.db"))
    for table, wanted in rows.items():
        assert found[table] == wanted, table


def test_the_chats_end_in_every_place_and_for_every_reason(
    expected: tuple[Path, dict[str, list[object]]],
) -> None:
    _, rows = expected
    places = {row["place"] for row in rows["outcomes"]}  # type: ignore[index]
    reasons = {row["reason"] for row in rows["dead"]}  # type: ignore[index]
    assert places == set(Place)
    assert reasons == {"bad_input", "duplicate_id", "unreadable_answer", "engine_failed"}


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    path, store = chats.write(tmp_path / "chats.jsonl", 200), str(tmp_path / "twice.db")
    by_beam("direct")(path, store)
    once = chats.ends(store)
    by_beam("direct")(path, store)
    assert chats.ends(store) == once


def test_chats_that_come_in_memory_end_as_those_of_a_file(tmp_path: Path) -> None:
    path, by_file = chats.write(tmp_path / "chats.jsonl", 200), str(tmp_path / "file.db")
    by_beam("direct")(path, by_file)
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        given = [(f"{path}:{number}", line) for number, line in enumerate(chats.lines(200), start=1)]
        handled = pipeline | beam.Create(given) | ParseChats() | Once() | Handle(chats.ENGINE)
        for number, ended in enumerate(handled.all):
            ended | f"Write {number}" >> WriteOutcomes(str(tmp_path / "memory.db"))
    assert chats.ends(str(tmp_path / "memory.db")) == chats.ends(by_file)
