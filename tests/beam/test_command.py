"""`attune beam run`, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.beam import chats
from tests.beam.test_ways_in import by_run


def attune(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATTUNE_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "attune", *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_run_writes_every_sink_and_adds_up(tmp_path: Path) -> None:
    path = chats.write(tmp_path / "chats.jsonl", 300)
    by_run(path, str(tmp_path / "run.db"))
    sinks = ("--sink", "beam.db", "--sink", "parquet:rows")
    done = attune(tmp_path, "beam", "run", "--source", path.name, *sinks, "--engine", chats.ENGINE)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = {
        name: int(number) for name, number in (part.split() for part in line.replace(" =", " +").split(" + "))
    }
    assert told["in"] == 300 == told["table"] + told["review"] + told["dead"] + told["repeated"]
    found, wanted = (chats.ends(str(tmp_path / f"{name}.db")) for name in ("beam", "run"))
    for letter in (*found["dead"], *wanted["dead"]):
        letter["ref"] = letter["ref"].rpartition("/")[2]
    assert found == wanted
    assert list((tmp_path / "rows" / "table").glob("*.parquet"))


def test_a_dry_run_prints_the_graph_and_runs_nothing(tmp_path: Path) -> None:
    args = (
        "--source",
        "no.jsonl",
        "--sink",
        "no.db",
        "--sink",
        "csv:rows",
        "--engine",
        "scripted:",
        "--dry-run",
    )
    done = attune(tmp_path, "beam", "run", *args)
    assert done.returncode == 0, done.stderr
    steps = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert steps == ["Read", "Once", "Handle", "Outcomes", "Store no.db", "Files rows"]
    assert "-> table, review, dead" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--source", "x*.jsonl", "--sink", "a.db"), "x*.jsonl"),
        (("--source", "x", "--sink", "a.db", "--", "--no_such_option=1"), "--no_such_option"),
        (("--source", "x", "--sink", "a.db", "--arms", "none.json"), "none.json"),
    ],
)
def test_a_slip_is_told(tmp_path: Path, args: tuple[str, ...], told: str) -> None:
    done = attune(tmp_path, "beam", "run", "--engine", "scripted:", *args)
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1] + done.stderr


def test_a_topic_and_files_are_two_pipelines(tmp_path: Path) -> None:
    sources = ("--source", "kafka://127.0.0.1:1/chats", "--source", "chats.jsonl")
    done = attune(tmp_path, "beam", "run", "--engine", "scripted:", *sources, "--sink", "a.db", "--dry-run")
    assert done.returncode == 2
    assert "cannot be read together" in done.stderr


def test_a_topic_makes_a_stream(tmp_path: Path) -> None:
    args = ("--source", "kafka://127.0.0.1:1/chats", "--sink", "a.db", "--engine", "scripted:", "--dry-run")
    done = attune(tmp_path, "beam", "run", "--runner", "prism", *args)
    assert done.returncode == 0, done.stderr
    assert "  New\n" in done.stdout, "ids are remembered by state, not by a group that never ends"
