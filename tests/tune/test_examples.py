"""Examples: every form of data gives the same ones, and what is none is named."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attune.errors import TuneError
from attune.task import BUILT_IN, load
from attune.tune.examples import Example, Refused, Tasks, digest, examples

TASKS = Tasks.of(load(BUILT_IN / "triage.toml"))
ROWS = [
    {"input": "케이크 3개 주문할게요.", "output": "3개 예약했습니다."},
    {"input": "Where is my \u2028 parcel?", "output": "On\nits way."},
]


def lines(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read(*names: str, tasks: Tasks = TASKS) -> list[Example]:
    found = list(examples(names, tasks))
    assert all(isinstance(each, Example) for each in found), found
    return [each for each in found if isinstance(each, Example)]


def test_every_kind_of_file_gives_the_same_examples(tmp_path: Path) -> None:
    plain = lines(tmp_path / "a.jsonl", ROWS)
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(Path(plain).read_bytes()))
    with (tmp_path / "c.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("input", "output"))
        writer.writeheader()
        writer.writerows(ROWS)
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "d.parquet")
    first = read(plain)
    assert [(each.task.name, each.said) for each in first] == [
        ("reply", "3개 예약했습니다."),
        ("reply", "On\nits way."),
    ]
    assert first[1].ref == f"{plain}:2"
    for other in (packed, tmp_path / "c.csv", tmp_path / "d.parquet"):
        assert digest(read(str(other))) == digest(first)
    assert digest(read(plain)[::-1]) != digest(first)


def test_a_chat_with_gold_is_an_example_for_each_task_whose_fields_are_there(tmp_path: Path) -> None:
    chat = {"id": 7, "user_id": 1, "turns": [{"role": "customer", "text": "Late again."}], "language": "en"}
    unhappy = {**chat, "sentiment": -1, "summary": "Late.", "reply": "Sorry."}
    happy = {**chat, "id": 8, "sentiment": 1, "summary": "Early.", "reply": None}
    found = read(lines(tmp_path / "gold.jsonl", [unhappy, happy]))
    assert [(each.chat.id, each.task.name) for each in found] == [
        ("7", "triage"),
        ("7", "reply"),
        ("8", "triage"),
    ]
    assert found[0].values == {"sentiment": -1, "summary": "Late."}
    assert found[1].task.preamble == TASKS.read.preamble


def test_an_output_of_several_fields_is_their_json(tmp_path: Path) -> None:
    row = {"input": "Late.", "output": '{"sentiment": -1, "summary": "Late."}'}
    own = Tasks(TASKS.read, TASKS.read)
    (found,) = read(lines(tmp_path / "own.jsonl", [row]), tasks=own)
    assert found.values == {"sentiment": -1, "summary": "Late."}
    (refused,) = examples([lines(tmp_path / "bad.jsonl", [{"input": "a", "output": "b"}])], own)
    assert isinstance(refused, Refused)
    assert "wants a JSON object of sentiment, summary" in refused.why


def test_an_instruction_stands_in_the_cue_as_in_serving(tmp_path: Path) -> None:
    (found,) = read(lines(tmp_path / "a.jsonl", [{**ROWS[0], "instruction": "Be brief."}]))
    assert found.task.cue == "Reply to the customer. Be brief."


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"input": "", "output": "a"}, "input: empty"),
        ({"input": "a", "output": None}, "output: empty"),
        ({"input": "a", "output": "  "}, "output: empty"),
        ({"input": 7, "output": "a"}, "input: neither a text nor an object"),
        ({"text": "hello"}, "no field of gold: the tasks want sentiment, summary or reply"),
        ({"question": "a"}, "neither input and output, nor a chat"),
        ("a line", "no JSON object"),
    ],
)
def test_what_is_no_example_is_named(tmp_path: Path, row: Any, why: str) -> None:
    path = lines(tmp_path / "bad.jsonl", [row])
    (refused,) = examples([path], TASKS)
    assert isinstance(refused, Refused)
    assert refused.ref == f"{path}:1"
    assert why in refused.why


def test_a_data_set_is_read_by_the_hubs_own_library(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    lines(tmp_path / "set" / "train.jsonl", ROWS)
    found = read(f"hf:{tmp_path / 'set'}")
    assert digest(found) == digest(read(lines(tmp_path / "a.jsonl", ROWS)))


def test_a_data_set_that_cannot_be_reached_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(TuneError, match=r"cannot be read from the Hugging Face hub.*give its file"):
        list(examples([f"hf:{tmp_path / 'nothing'}"], TASKS))
