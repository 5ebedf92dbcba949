"""attune results: whole, typed, and harmless wherever it is opened."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import Attune, chats

EVIL = [
    '=HYPERLINK("http://evil") is what I was sent.',
    "@SUM(A1) came on my bill, why?",
    "\x1b[31mI am red\x1b[0m and \u202egninnips",
    "[bold]Where is[/bold] my [link=http://evil]order[/link]?",
]


TASK = """
cue = "Read this."
[fields.mood]
kind = "choice"
options = ["good", "bad"]
[fields.words]
kind = "excerpt"
[fields.urgent]
kind = "yes_no"
[fields.stars]
kind = "integer"
low = -3
high = 3
[fields.topics]
kind = "choices"
options = ["food", "money"]
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Attune:
    attune = Attune(tmp_path_factory.mktemp("filled"), environment)
    chats(attune.folder / "evil.jsonl", 12, EVIL)
    (attune.folder / "evil.toml").write_text(TASK, encoding="utf-8")
    (attune.folder / "attune.toml").write_text('task = "evil.toml"\n', encoding="utf-8")
    done = attune("run", "evil.jsonl")
    assert done.code == 0, done.err
    return attune


def test_csv_cells_are_no_formulas_and_numbers_stay_numbers(filled: Attune) -> None:
    done = filled("results", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert len(rows) == 12
    words = {row["id"]: row["words"] for row in rows}
    assert words["0"].startswith("'=HYPERLINK")
    assert words["1"].startswith("'@SUM")
    assert {type(int(row["stars"])) for row in rows} == {int}
    assert any(row["stars"].startswith("-") for row in rows), "a number below zero keeps its sign alone"
    assert {row["urgent"] for row in rows} <= {"true", "false"}
    assert all(isinstance(json.loads(row["topics"]), list) for row in rows)


def test_parquet_has_the_types_of_the_fields(filled: Attune) -> None:
    assert filled("results", "--format", "parquet", "--out", "x.parquet").code == 0
    table = pq.read_table(filled.folder / "x.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert table.num_rows == 12
    assert types["stars"] == "int64"
    assert types["urgent"] == "bool"
    assert types["mood"] == "string"
    assert types["topics"].startswith("list<")
    assert types["created_at"] == "timestamp[ms, tz=UTC]"
    assert list(types)[:9] == [
        *("id", "user_id", "language", "channel"),
        *("mood", "words", "urgent", "stars", "topics"),
    ]
    jsonl = [json.loads(line) for line in filled("results", "--format", "jsonl").lines]
    assert table.select(["id", "stars", "topics"]).to_pylist() == [
        {name: row[name] for name in ("id", "stars", "topics")} for row in jsonl
    ]
    assert not list(filled.folder.glob("*.part"))


def test_a_terminal_gets_no_escapes_of_a_customer(filled: Attune) -> None:
    done = filled("results")
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    assert "\\x1b[31mI am red" in done.out
    assert "[bold]Where is[/bold]" in done.out


def test_conditions_choose_rows_and_a_column_named_twice_means_either(filled: Attune) -> None:
    rows = filled.rows()
    wanted = {row["id"] for row in rows if row["stars"] in (1, -1) and row["urgent"]}
    found = filled(
        *(
            "results",
            "--format",
            "jsonl",
            "--where",
            "stars=1",
            "--where",
            "stars=-1",
            "--where",
            "urgent=true",
        )
    )
    assert {json.loads(line)["id"] for line in found.lines} == wanted
    assert len(filled("results", "--format", "jsonl", "--limit", "5", "--since", "1h").lines) == 5
    next_year = f"{datetime.now(UTC).year + 1}-01-01"
    assert filled("results", "--format", "jsonl", "--since", next_year).lines == []


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("sentiment=-1", "needs COLUMN=VALUE, with one of the columns id, user_id"),
        ("stars=many", "stars holds integer values, and 'many' is none"),
        ("urgent", "needs COLUMN=VALUE"),
    ],
)
def test_a_condition_that_cannot_be_met_is_an_error(condition: str, message: str, filled: Attune) -> None:
    done = filled("results", "--where", condition)
    assert done.code == 2
    assert message in done.err


def test_a_file_that_cannot_be_written_is_an_error_in_words(filled: Attune) -> None:
    done = filled("results", "--format", "csv", "--out", "no/such/folder.csv")
    assert done.code == 2
    assert "no/such/folder.csv cannot be written" in done.err


def test_places_are_told_apart_and_dead_letters_are_no_results(attune: Attune, samples: Path) -> None:
    assert attune("run", samples.name).code == 0
    everything = attune.rows()
    table, review = (
        attune("results", "--format", "jsonl", "--place", place).lines for place in ("table", "review")
    )
    assert len(table) + len(review) == len(everything) == 209
    assert {json.loads(line)["sentiment"] for line in review} == {-1}
