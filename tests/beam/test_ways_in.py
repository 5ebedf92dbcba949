"""The same chats by every way in: the rows are equal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from services import spark
from tests.beam import chats
from tests.beam.conftest import had, runner_options
from tests.beam.flink_job import key_of
from tests.beam.kill_flink import by_run as rows_of_run
from tests.beam.kill_flink import same_rows
from tests.cli.conftest import Attune, attune, environment
from tests.serve.conftest import running

from attune import connect, export, stream
from attune.beam import Handle, Once, ParseChats, ReadChats, WriteOutcomes
from attune.handle import Act
from attune.outcome import Place
from attune.store import Store

__all__ = ["attune", "environment"]

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


def test_the_rows_of_the_service_are_those_of_attune_run(tmp_path: Path) -> None:
    lines = [line for line in chats.lines(CHATS) if is_json(line)]  # what is none cannot stand in a list
    store = str(tmp_path / "serve.db")
    with running(tmp_path, "--store", store, "--engine", chats.ENGINE) as service:
        for some in (lines[start : start + 256] for start in range(0, len(lines), 256)):
            post = Request(f"{service.address}/v1/chats", b"[%b]" % b",".join(some))
            post.add_header("Content-Type", "application/json")
            with urlopen(post, timeout=60) as answer:
                assert len(json.load(answer)) == len(some)
    assert same_rows(store) == rows_of_run(lines, tmp_path)


def test_the_rows_of_a_batch_are_those_of_attune_run(attune: Attune, tmp_path: Path) -> None:
    lines = list({key_of(line): line for line in chats.lines(CHATS)}.values())  # a batch does not look at ids
    (tmp_path / "chats.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    by_run(tmp_path / "chats.jsonl", str(tmp_path / "run.db"))
    attune("batch", "chats.jsonl", "rows.jsonl", "--task", "triage", "--engine", chats.ENGINE, "--quiet")
    task = connect.task("triage", chats.ENGINE)
    with Store.open(str(tmp_path / "run.db")) as opened:
        wanted = {
            each.key: export.row(each, task) for each in opened.outcomes() if each.place is not Place.DEAD
        }
        drafts = {key: review.draft for key in wanted if (review := opened.review(key))}
    found = {row["id"]: row for row in map(json.loads, (tmp_path / "rows.jsonl").read_bytes().splitlines())}
    assert found.keys() == wanted.keys()
    for key, row in found.items():
        assert row["review_draft"] == drafts.get(key)
        shared = row.keys() & wanted[key].keys()
        assert {"sentiment", "summary", "place", "flags", "confidence", "attempts"} <= shared
        assert {name: row[name] for name in shared} == {name: wanted[key][name] for name in shared}


def is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


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
