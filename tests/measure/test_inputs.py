"""Inputs: every form a run's predictions come in, joined by id, and what is wrong with them in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import Attune
from tests.measure.conftest import evaluated, value

from attune.errors import AttuneError
from attune.measure.prediction import prediction, row_id
from attune.measure.rows import Unreadable, read

WANTED = ("sentiment", "summary")
ANSWER = {"sentiment": -1, "summary": "Late."}
OPENAI = {
    "custom_id": "7",
    "response": {"status_code": 200, "body": {"choices": [{"message": {"content": json.dumps(ANSWER)}}]}},
    "error": None,
}


def lines(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "row",
    [
        {"id": 7, **ANSWER},
        {"id": "7", "values": ANSWER},
        {"id": 7.0, "generated_text": json.dumps(ANSWER)},
        {"id": 7, "generated_texts": [json.dumps(ANSWER), "another"]},
        OPENAI,
    ],
)
def test_every_form_of_a_row_is_the_same_prediction(row: dict[str, Any]) -> None:
    found = prediction(row, WANTED)
    assert (found.id, found.values, found.error) == ("7", ANSWER, "")


def test_failures_are_known_as_such() -> None:
    rows = [
        {"id": 1, "error": "engine_failed: no memory"},
        {"id": 1, "place": "dead"},
        {"custom_id": 1, "response": {"status_code": 400, "body": {}}},
    ]
    assert [prediction(row, WANTED).error for row in rows] == [
        *("engine_failed: no memory", "dead letter", "status 400")
    ]


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": True}, {"id": " "}, {"id": 1.5}, {"id": [1]}])
def test_what_is_no_id_is_said(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no id"):
        row_id(row)


def test_a_text_without_a_name_is_the_one_column_of_texts() -> None:
    gold = [{"id": 1, "summary": "The parcel came late."}]
    found = evaluated(gold, [{"id": 1, "generated_texts": ["The parcel came late."]}])
    assert value(found, "ROUGE-L") == 100.0


def test_rows_are_joined_by_id_and_never_by_position() -> None:
    gold = [{"id": n, "mood": "ab"[n % 2]} for n in range(6)]
    assert value(evaluated(gold, gold[::-1]), "accuracy") == 100.0


def test_ids_that_do_not_meet_are_named() -> None:
    gold: list[dict[str, Any]] = [{"id": n, "mood": "ab"[n % 2]} for n in range(6)]
    said = [gold[0], {**gold[0], "mood": "b"}, gold[1], {"id": "x", "mood": "a"}]
    (run,) = evaluated(gold, said).runs
    assert (run.missing, run.doubled, run.unknown) == (("2", "3", "4", "5"), ("0",), ("x",))
    assert value(evaluated(gold, said), "accuracy") == pytest.approx(100 / 3)


def test_no_id_in_both_is_an_error_that_shows_ids_of_both() -> None:
    with pytest.raises(
        AttuneError, match=r"no id of a is in gold: the one has ids like 'x', the other like '0'"
    ):
        evaluated([{"id": 0, "mood": "a"}, {"id": 1, "mood": "a"}], [{"id": "x", "mood": "a"}])


def test_nothing_to_score_is_an_error_that_names_the_columns() -> None:
    with pytest.raises(AttuneError, match=r"gold has summary to be scored.*--field GOLD=PREDICTED"):
        evaluated([{"id": 0, "summary": "a b"}], [{"id": 0, "text_out": "a b"}])
    with pytest.raises(AttuneError, match="no column 'mood', only id, summary"):
        evaluated([{"id": 0, "summary": "a b"}], [{"id": 0, "summary": "a b"}], asked=["mood"])
    with pytest.raises(AttuneError, match="'word' is none of label, text, draft"):
        evaluated([{"id": 0, "summary": "a b"}], [{"id": 0, "summary": "a b"}], asked=["summary:word"])


def test_columns_of_other_names_are_compared_as_asked() -> None:
    found = evaluated([{"id": 0, "short": "a b"}], [{"id": 0, "long": "a b"}], asked=["short=long:text"])
    assert value(found, "ROUGE-1") == 100.0


def test_a_column_to_group_by_must_be_there() -> None:
    gold = [{"id": n, "mood": "a"} for n in range(4)]
    with pytest.raises(AttuneError, match="--by shop: gold has no such column, only id, mood"):
        evaluated(gold, gold, by=("shop",))


def test_lines_that_are_no_rows_are_counted_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"id": 1}\nnot json\n[1]\n\n{"id": 2, "x": NaN}\n\xff\xfe\n')
    bad = Unreadable()
    assert list(read(str(path), bad)) == [{"id": 1}, {"id": 2, "x": None}]
    assert bad.count == 3
    assert bad.first[0].startswith("bad.jsonl:2: ") or ":2: " in bad.first[0]


def test_csv_loses_the_mark_before_formulas_and_short_rows_are_bad(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('id,summary\n1,\'=SUM(A1)\n2,"two, lines\nof text"\n3\n4,a,b\n5,\n', encoding="utf-8")
    bad = Unreadable()
    found = list(read(str(path), bad))
    assert [row["summary"] for row in found] == ["=SUM(A1)", "two, lines\nof text", None]
    assert bad.count == 2


def test_parquet_is_read_and_its_nan_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": [1, 2], "score": [0.5, float("nan")]}), path)
    assert list(read(str(path), Unreadable())) == [{"id": 1, "score": 0.5}, {"id": 2, "score": None}]
    path.write_bytes(b"PAR1 no, it is not")
    with pytest.raises(AttuneError, match="is no Parquet file"):
        list(read(str(path), Unreadable()))


def gold_of(attune: Attune) -> Path:
    rows = [
        {"id": n, "user_id": 7, "language": "en", "text": f"My order {n} came late.", "sentiment": n % 3 - 1}
        for n in range(12)
    ]
    return lines(attune.folder / "gold.jsonl", [{**row, "reply": "Sorry for that."} for row in rows])


def test_a_store_its_exports_and_the_engine_itself_are_scored_alike(attune: Attune) -> None:
    gold = str(gold_of(attune))
    assert attune("run", gold, "--quiet").code == 0
    attune("results", "--format", "csv", "--out", "out.csv")
    attune("results", "--format", "parquet", "--out", "out.parquet")
    sources = [
        ("attune.db",),
        ("out.csv",),
        ("out.parquet",),
        ("--run", "--save", "kept.jsonl"),
        ("kept.jsonl",),
    ]
    found = []
    for source in sources:
        done = attune("eval", *source, "--gold", gold, "--json", "--quiet")
        assert done.code == 0, done.err
        sentiment = next(each for each in done.json["fields"] if each["name"] == "sentiment")
        found.append(sentiment["figures"][0])
        assert done.json["runs"][0]["answered"] == 12
    assert all(each == found[0] for each in found)
    drafts = attune("eval", "attune.db", "--gold", gold, "--json", "--quiet").json["fields"][-1]
    assert (drafts["name"], drafts["predicted"], drafts["kind"]) == ("reply", "draft", "draft")


def test_the_command_prints_tables_and_names_what_is_missing(attune: Attune) -> None:
    gold = gold_of(attune)
    said = [{"id": n, "sentiment": 0} for n in range(10)]
    other = [{"id": n, "sentiment": 1} for n in range(12)]
    lines(attune.folder / "said.jsonl", [*said, "no row"])
    lines(attune.folder / "other.jsonl", other)
    done = attune("eval", "said.jsonl", "--gold", str(gold), "--against", "other.jsonl", "--quiet")
    assert done.code == 0, done.err
    assert "said.jsonl: 10 of them predicted; 2 missing: 10, 11" in done.lines
    assert any("1 rows could not be read, the first: said.jsonl:11: " in line for line in done.lines)
    assert any(line.startswith("sentiment\taccuracy\t25.0\t%") for line in done.lines)
    assert any(line.startswith("language\trows") for line in done.lines)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--gold", "gold.jsonl"), "give PREDICTIONS, or --run"),
        (("said.jsonl", "--run", "--gold", "gold.jsonl"), "and not both"),
        (("said.jsonl", "--save", "x", "--gold", "gold.jsonl"), "--save goes with --run"),
        (("none.jsonl", "--gold", "gold.jsonl"), "none.jsonl"),
        (("empty.jsonl", "--gold", "gold.jsonl"), "empty.jsonl: not one prediction with an id, it is empty"),
        (("gold.jsonl", "--gold", "empty.jsonl"), "empty.jsonl: not one row with an id, it is empty"),
        (("gold.jsonl", "--gold", "gold.jsonl", "--report", "no/where.html"), "cannot be written"),
    ],
)
def test_what_does_not_fit_is_said_in_words(attune: Attune, args: tuple[str, ...], why: str) -> None:
    gold_of(attune)
    lines(attune.folder / "empty.jsonl", [])
    done = attune("eval", *args, "--quiet")
    assert done.code == 2
    assert why in done.err


def test_a_store_that_is_not_there_is_no_empty_one(attune: Attune) -> None:
    done = attune("eval", "none.db", "--gold", str(gold_of(attune)))
    assert (done.code, "there is no store none.db" in done.err) == (4, True)


def test_the_other_commands_do_without_the_libraries_of_this_one(attune: Attune) -> None:
    blocked = attune.folder / "blocked" / "regex.py"
    blocked.parent.mkdir()
    blocked.write_text("raise ImportError('not here')\n", encoding="utf-8")
    told = attune("--help", PYTHONPATH=str(blocked.parent))
    assert (told.code, "Scores PREDICTIONS" in told.out) == (0, True)
    done = attune("eval", "x.jsonl", "--gold", str(gold_of(attune)), PYTHONPATH=str(blocked.parent))
    assert (done.code, "pip install 'attune[eval]'" in done.err) == (2, True)
