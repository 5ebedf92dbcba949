"""Outcomes as rows, in files and in stores."""

from __future__ import annotations

import json
from pathlib import Path

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import TimestampedValue
from tests.beam import chats
from tests.beam.conftest import Options
from tests.beam.test_handle import chat
from tests.beam.test_ways_in import by_run

from attune.beam import Handle, Once, ParseChats, ReadChats, ToRows, WriteFiles, WriteReviews
from attune.store import Store


def rows(folder: Path) -> list[dict[str, object]]:
    found = [row for path in folder.rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
    return sorted(
        ({"id": row["id"], "sentiment": row["sentiment"]} for row in found), key=lambda row: str(row["id"])
    )


def test_files_hold_the_rows_of_the_store(options: Options, tmp_path: Path) -> None:
    path = chats.write(tmp_path / "chats.jsonl", 300)
    by_run(path, str(tmp_path / "run.db"))
    for _ in range(2):  # a bundle that is repeated replaces its files
        with beam.Pipeline(options=options()) as pipeline:
            handled = pipeline | ReadChats([str(path)]) | Once() | Handle(chats.ENGINE)
            handled.all | beam.Flatten() | WriteFiles(str(tmp_path / "out"), shards=2)
    ends = chats.ends(str(tmp_path / "run.db"))
    alive = [row for row in ends["outcomes"] if row["place"] != "dead"]
    wanted = [{"id": row["key"], "sentiment": row["values"]["sentiment"]} for row in alive]
    assert rows(tmp_path / "out") == sorted(wanted, key=lambda row: str(row["id"]))
    letters = (tmp_path / "out" / "dead").glob("*.jsonl")
    dead = [json.loads(line) for letter in letters for line in letter.read_text("utf-8").splitlines()]
    assert sorted(letter["key"] for letter in dead) == sorted(letter["key"] for letter in ends["dead"])
    assert not list((tmp_path / "out").rglob(".*")), "nothing half written is left"


def test_a_stream_writes_a_file_for_each_window(streaming: PipelineOptions, tmp_path: Path) -> None:
    stream = test_stream.TestStream()
    for start in (0, 60, 120):
        lines = [TimestampedValue(chat(start + n), start + n) for n in range(5)]
        stream = stream.add_elements(lines).advance_watermark_to(start + 60)
    late = stream.add_elements([TimestampedValue(chat(1000), 61)]).advance_watermark_to_infinity()
    with beam.Pipeline(options=streaming) as pipeline:
        handled = pipeline | late | ParseChats() | Once() | Handle("scripted:")
        handled.all | beam.Flatten() | WriteFiles(str(tmp_path), form="jsonl", window_s=60)
    files = {path: path.read_text("utf-8").splitlines() for path in tmp_path.rglob("*.jsonl")}
    found = {json.loads(line)["id"] for lines in files.values() for line in lines}
    assert found == {str(start + n) for start in (0, 60, 120) for n in range(5)} | {"1000"}
    assert {path.name[:15] for path in files} == {f"19700101T000{minute}00" for minute in range(3)}
    assert any("late" in path.name for path in files)


def test_rows_have_a_schema_that_beam_knows(options: Options) -> None:
    with beam.Pipeline(options=options()) as pipeline:
        handled = pipeline | beam.Create([chat(n) for n in range(20)]) | Handle("scripted:")
        made = (handled.table, handled.review) | beam.Flatten() | ToRows(engine="scripted:")
        told = made | beam.Select("id", "sentiment") | beam.Map(lambda row: row.id)
        assert_that(told, equal_to([str(n) for n in range(20)]))


def test_reviews_wait_in_the_store(options: Options, tmp_path: Path) -> None:
    store = str(tmp_path / "desk.db")
    with beam.Pipeline(options=options()) as pipeline:
        handled = pipeline | beam.Create([chat(n) for n in range(40)]) | Handle("scripted:")
        handled.all | beam.Flatten() | WriteReviews(store)
    with Store.open(store) as opened:
        reviews = list(opened.outcomes())
        assert reviews
        assert all(row.place == "review" and opened.review(row.key) for row in reviews)


def test_a_pattern_that_matches_nothing_fails(tmp_path: Path) -> None:
    pipeline = beam.Pipeline("FnApiRunner")
    pipeline | ReadChats([str(tmp_path / "x*.jsonl")])
    with pytest.raises(Exception, match=r"x\*\.jsonl"):
        pipeline.run().wait_until_finish()
