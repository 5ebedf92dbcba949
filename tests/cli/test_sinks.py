"""attune run --sink, and what attune status says of sinks."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import Attune

pytest.importorskip("fsspec")
NOWHERE = "postgresql://ann:secret@127.0.0.1:9/chats"


def test_outcomes_go_to_every_sink_and_stay_in_the_store(attune: Attune, samples: Path) -> None:
    sinks = ("--sink", "parquet:all", "--sink", "parquet:unhappy?places=review")
    done = attune("run", str(samples), "--quiet", *sinks)
    assert (done.code, done.err) == (0, "")
    assert "sink parquet:all: 212 sent" in done.lines
    (path,) = (attune.folder / "all").iterdir()
    written = {row["id"]: row["place"] for row in pq.read_table(path).to_pylist()}
    assert sorted(written.values()).count("dead") == 3
    readable = {key: place for key, place in written.items() if place != "dead"}
    assert readable == {row["id"]: row["place"] for row in attune.rows()}
    (path,) = (attune.folder / "unhappy").iterdir()
    rows = pq.read_table(path).to_pylist()
    assert {row["place"] for row in rows} == {"review"}
    assert all(row["review_draft"] and row["review_chat"] for row in rows)


def test_a_sink_that_fails_stops_nothing_and_is_said(attune: Attune, samples: Path) -> None:
    done = attune("run", str(samples), "--quiet", "--sink", NOWHERE)
    assert done.code == 1
    assert done.lines[0].startswith("in 212 = table")
    assert "0 sent, 212 wait: postgresql://127.0.0.1:9/chats, table outcomes: " in done.out
    assert "secret" not in done.out + done.err
    status = attune("status")
    assert "0 sent, 212 wait; it fails: postgresql://127.0.0.1:9/chats" in status.out
    (sink,) = attune("status", "--json").json["sinks"]
    assert (sink["waiting"], sink["sent"], sink["task"]) == (212, 0, "triage")


def test_a_backlog_is_delivered_by_a_run_without_anything_to_read(attune: Attune, samples: Path) -> None:
    attune("run", str(samples), "--quiet")
    done = attune("run", "--quiet", "--json", "--sink", "parquet:all")
    assert done.code == 0
    assert done.json["sinks"] == [{"name": "parquet:all", "sent": 212, "waiting": 0, "error": ""}]


def test_a_failing_sink_stops_the_reading_where_that_is_asked_for(attune: Attune, samples: Path) -> None:
    slow = "scripted:delay_ms=200"
    asked = ("--sink", NOWHERE, "--stop-with-sink", "--in-flight", "4", "--engine", slow)
    done = attune("run", str(samples), "--quiet", "--json", *asked)
    assert done.code == 1
    assert done.json["reconciled"]
    assert done.json["in"] < 212


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nowhere:x", "no sink is called 'nowhere:x'; there are: "),
        ("kafka://host", "is no address like kafka://host:9092/topic"),
        ("parquet:x?places=happy", "it can be any of table, review, dead"),
    ],
)
def test_an_address_that_is_none_is_said_before_anything_is_read(
    attune: Attune, samples: Path, address: str, why: str
) -> None:
    done = attune("run", str(samples), "--quiet", "--sink", address)
    assert done.code == 2
    assert why in done.err
