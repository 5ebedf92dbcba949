"""`attune batch` as a user calls it."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from tests.batch.conftest import texts
from tests.cli.conftest import Attune

from attune.generation import parameters


def written(path: Path, count: int) -> str:
    path.write_text("".join(json.dumps(each) + "\n" for each in texts(count)), encoding="utf-8")
    return path.name


def rows(attune: Attune, name: str = "out.jsonl") -> list[dict[str, object]]:
    return [json.loads(line) for line in (attune.folder / name).read_bytes().splitlines()]


def test_a_batch_tells_its_counts_and_goes_on_where_it_ended(attune: Attune) -> None:
    source = written(attune.folder / "in.jsonl", 30)
    with (attune.folder / source).open("a") as file:
        file.write("no json\n")
    first = attune("batch", source, "out.jsonl", "--prompt", "summarize")
    assert (first.code, first.err) == (0, "")
    assert first.lines[0] == "in 31 = ok 30 + failed 1"
    assert "failed: 1 bad_input" in first.lines
    assert "out.errors.jsonl" in first.lines[-1]
    again = attune("batch", source, "out.jsonl", "--prompt", "summarize", "--json").json
    assert (again["in"], again["ok"], again["failed"], again["done_before"]) == (31, 30, 1, 31)
    assert again["reconciled"]
    assert len(rows(attune)) == 30
    assert rows(attune)[0]["generated_texts"] == ["Briefly summarize this text: the story of number 0"]


def test_parameters_come_by_flag_variable_and_file(attune: Attune) -> None:
    source = written(attune.folder / "in.jsonl", 1)
    (attune.folder / "attune.toml").write_text("[generation]\ntop_k = 1\nseed = 1\nmax_length = 11\n")
    done = attune("batch", source, "out.jsonl", "--top-k", "3", ATTUNE_GENERATION='{"seed": 2}')
    assert done.code == 0, done.err
    used = json.loads((attune.folder / "out.manifest.json").read_bytes())["job"]["parameters"]
    assert (used["top_k"], used["seed"], used["max_new_tokens"]) == (3, 2, 11)
    assert list(used) == list(parameters())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--top-p", "3"], "top_p: 3.0 is out of range; it can be 0 to 1"),
        (["--max-length", "many"], "max_new_tokens: 'many' is not a whole number"),
        (["--num-beams", "4"], "The engine scripted has no num_beams"),
        (["--prompt", "sumarize"], "no prompt is called 'sumarize'; there are summarize, "),
        (["--prompt", "{articel}"], "which the first record has not; it has id, text_inputs"),
        (["--engine", "nothing:"], "no engine is called"),
    ],
)
def test_what_cannot_be_is_said_before_the_job_begins(
    attune: Attune, arguments: list[str], told: str
) -> None:
    source = written(attune.folder / "in.jsonl", 1)
    done = attune("batch", source, "out.jsonl", *arguments)
    assert done.code in (2, 3)
    assert told in done.err
    assert [path.name for path in attune.folder.iterdir()] == ["in.jsonl"]


def test_a_job_of_which_nothing_was_answered_ends_with_1(attune: Attune) -> None:
    (attune.folder / "in.jsonl").write_text("no json\n")
    assert attune("batch", "in.jsonl", "out.jsonl").code == 1


def test_an_interrupted_batch_finishes_what_is_in_flight_and_goes_on(attune: Attune) -> None:
    source = written(attune.folder / "in.jsonl", 400)
    slow = ["--engine", "scripted:delay_ms=40", "--in-flight", "8", "--json", "--quiet"]
    process = attune.start("batch", source, "out.jsonl", *slow)
    while not (attune.folder / "out.jsonl").exists() or not rows(attune):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    told = json.loads(out)
    assert (process.returncode, told["interrupted"]) == (130, True)
    assert b"what is in flight is finished first" in err
    assert 0 < told["ok"] == len(rows(attune)) < 400
    assert told["in"] == told["ok"] + told["undone"]
    manifest = json.loads((attune.folder / "out.manifest.json").read_bytes())
    assert manifest["status"] == "stopped"
    assert attune("batch", source, "out.jsonl", "--json").json["ok"] == 400
    assert sorted(row["id"] for row in rows(attune)) == list(range(400))  # type: ignore[type-var]


def test_the_model_inside_writes_several_texts(attune: Attune) -> None:
    source = written(attune.folder / "in.jsonl", 2)
    drawn = ["--do-sample", "true", "--num-return-sequences", "3", "--max-length", "8", "--top-k", "50"]
    done = attune("batch", source, "out.jsonl", "--engine", "pocket", "--ordered", *drawn)
    assert done.code == 0, done.err
    for row in rows(attune):
        found = row["generated_texts"]
        assert isinstance(found, list)
        assert len(set(found)) == 3
        assert row["finish_reasons"] == ["length"] * 3
