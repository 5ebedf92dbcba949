"""A batch in this process: every record has one row, and a job is gone on with where it ended."""

from __future__ import annotations

import base64
import gzip
import shutil
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.batch.conftest import Batch, texts

from attune import connect
from attune.batch import Plan, work
from attune.batch.prompts import template
from attune.batch.rows import errors_file
from attune.batch.work import Stand
from attune.chat import parse_chat
from attune.connect import SAMPLES
from attune.errors import AttuneError, BadConfig, BadRequest, EngineError
from attune.handle import Act, handle
from attune.limits import Limits
from attune.outcome import Place
from attune.request import Completion, Request
from attune.testing import Script, ScriptedEngine

FEW = Limits(in_flight=2, max_engine_failures=5)


def by_record(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: row["record"])


def test_every_record_has_a_row_with_its_id(batch: Batch) -> None:
    done = batch(batch.file("in.jsonl", texts(50)))
    rows = by_record(batch.rows)
    assert [row["id"] for row in rows] == list(range(50))
    assert rows[7]["generated_texts"] == ["the story of number 7"]
    assert rows[7]["finish_reasons"] == ["stop"]
    assert (done.read, done.finished, done.reconciled) == (50, True, True)
    assert batch.manifest["counts"] == {"in": 50, "ok": 50, "failed": 0, "reasons": {}}
    assert batch.manifest["tokens"]["output"] == sum(row["output_tokens"] for row in rows) > 0


def test_a_list_of_texts_has_a_text_for_each(batch: Batch) -> None:
    records = [
        {"id": "x", "text_inputs": ["one", "two"]},
        {"text_inputs": ["one"], "num_return_sequences": 2, "do_sample": True},
    ]
    batch(
        batch.file(
            "in.jsonl", [*records, {"text_inputs": "three", "num_return_sequences": 2, "do_sample": True}]
        )
    )
    first, second, third = by_record(batch.rows)
    assert first["generated_texts"] == ["one", "two"]
    assert second["generated_texts"] == [["one", "one"]]
    assert third["generated_texts"] == ["three", "three"]
    assert "id" not in second


def test_folders_globs_and_packed_files_are_read(batch: Batch) -> None:
    folder = batch.folder / "parts"
    folder.mkdir()
    batch.file("parts/a.jsonl", texts(3))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(Path(batch.file("b", texts(4))).read_bytes()))
    with pa.CompressedOutputStream(str(folder / "c.jsonl.zst"), "zstd") as file:
        file.write(Path(batch.file("c", texts(5))).read_bytes())
    assert batch(str(folder)).read == 12
    assert batch(str(folder / "*.gz"), fresh=True).read == 4


POISON = [
    ("not json", "input: not JSON"),
    ("[1]", "input: a JSON object is needed"),
    ('{"id": 1, "text_inputs": 5}', "text_inputs: a text is needed, or a list"),
    ('{"id": 1, "text_inputs": []}', "text_inputs: a text is needed, or a list"),
    ('{"id": 1, "text_inputs": ["a", null]}', "text_inputs: a text is needed, or a list"),
    ('{"id": [1], "text_inputs": "a"}', "id: a whole number or a string"),
    ('{"id": 1, "text_inputs": "a", "top_p": 1.5}', "top_p: 1.5 is out of range; it can be 0 to 1"),
    ('{"id": 1, "text_inputs": "a", "max_length": "3"}', "max_length: '3' is not a whole number"),
    ('{"id": 1, "text_inputs": "a", "temperature": NaN}', "temperature: nan is out of range"),
    ('{"id": 1, "text_inputs": "a", "lenght": 3}', "lenght: not a parameter; there are max_new_tokens"),
    ('{"id": 1, "text_inputs": "a", "num_beams": 4}', "The engine scripted has no num_beams"),
    ('{"id": 1, "text_inputs": "a", "top_k": ' + "9" * 5000 + "}", "input: not JSON: Exceeds the limit"),
    ('{"id": 1, "user_id": 2, "turns": []}', "kind text, as its first, and this is a chat record"),
    ('{"foo": 1}', "there is no text_inputs"),
    ("[" * 100_000, "input: not JSON"),
]


@pytest.mark.parametrize(("line", "why"), POISON, ids=lambda part: part[:40])
def test_a_poison_record_fails_alone_and_says_why(batch: Batch, line: str, why: str) -> None:
    done = batch(batch.file("in.jsonl", [*texts(2), line, *texts(2)]))
    (error,) = batch.errors
    assert why in error["error"]
    assert (error["record"], error["reason"], error["failed_input"]) == (3, "bad_input", line)
    assert error["ref"].endswith("in.jsonl:3")
    assert (done.stand.counts.ok, done.stand.counts.failed, done.reconciled) == (4, 1, True)


def test_bytes_that_are_no_text_are_kept_as_they_are(batch: Batch) -> None:
    path = batch.folder / "in.jsonl"
    path.write_bytes(b'{"text_inputs": "a"}\n{"text_inputs": "\xff"}\n')
    batch(str(path))
    (error,) = batch.errors
    assert base64.b64decode(error["failed_input_base64"]) == b'{"text_inputs": "\xff"}'


def test_half_an_emoji_is_written_as_text_that_can_be_read(batch: Batch) -> None:
    batch(batch.file("in.jsonl", ['{"id": "\\ud83d", "text_inputs": "cold \\ud83d soup"}']))
    (row,) = batch.rows
    assert (row["id"], row["generated_texts"]) == ("\ufffd", ["cold \ufffd soup"])


def test_a_line_of_any_length_is_a_row(batch: Batch) -> None:
    long = {"id": 1, "text_inputs": "word " * 1_500_000}
    batch(batch.file("in.jsonl", [long, {**long, "more": "x" * 2_000_000}, *texts(1)]))
    assert [row["record"] for row in by_record(batch.rows)] == [1, 3]
    assert "at most 8,000,000 are read" in batch.errors[0]["error"]


def test_failed_records_are_fed_in_again_as_they_are(batch: Batch) -> None:
    batch.engine = ScriptedEngine(script=Script(fail=0.3))
    batch(batch.file("in.jsonl", [*texts(40), "no json"]))
    failed = batch.errors
    assert 3 < len(failed) < 30
    assert {error["reason"] for error in failed} == {"engine_failed", "bad_input"}
    errors = str(errors_file(batch.out).rename(batch.folder / "failed.jsonl"))
    answered = {row["id"] for row in batch.rows}
    batch.engine = ScriptedEngine()
    done = batch(errors, fresh=True)
    assert done.read == len(failed)
    assert answered.isdisjoint(row["id"] for row in batch.rows)
    assert answered | {row["id"] for row in batch.rows} == set(range(40))
    (still,) = batch.errors
    assert still["failed_input"] == "no json"


def test_a_record_s_parameters_win_over_the_job_s_field_by_field(batch: Batch) -> None:
    asked: dict[str, Request] = {}

    def answer(request: Request) -> str:
        asked[request.prompt.messages[0].text] = request
        return "x"

    batch.engine = ScriptedEngine(answer)
    records = [{"text_inputs": "a"}, {"text_inputs": "b", "top_k": 9, "do_sample": False}]
    batch(batch.file("in.jsonl", records), given={"top_k": 5, "temperature": 0.5, "max_new_tokens": 7})
    assert [asked[text].sampling.top_k for text in "ab"] == [5, 9]
    assert [asked[text].sampling.temperature for text in "ab"] == [0.5, 0.0]
    assert [asked[text].slots[0].max_tokens for text in "ab"] == [7, 7]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({"given": {"num_beams": 2}}, "has no num_beams"),
        ({"given": {"num_return_sequences": 2}}, "set do_sample or a temperature"),
        ({"given": {"do_sample": True, "temperature": 0.0}}, "leave one of the two out"),
        (
            {"template": template("Say {articel}")},
            "a place for articel, which the first record has not; it has id, text_inputs",
        ),
    ],
)
def test_what_no_record_could_be_given_is_said_before_the_start(
    batch: Batch, plan: dict[str, Any], told: str
) -> None:
    with pytest.raises((BadConfig, BadRequest), match=told):
        batch(batch.file("in.jsonl", texts(3)), **plan)
    assert [path.name for path in batch.folder.iterdir()] == ["in.jsonl"]


def test_a_prompt_takes_other_keys_than_the_text(batch: Batch) -> None:
    records = [{"id": 1, "article": "A {fine} day", "n": 3}, {"id": 2, "article": "B"}]
    batch(batch.file("in.jsonl", records), template=template("{n} words: {article}"))
    assert batch.rows[0]["generated_texts"] == ["3 words: A {fine} day"]
    assert (
        batch.errors[0]["error"]
        == "the job's records are of kind text, as its first, and this is none: there is no text_inputs"
    )


def test_chats_end_as_in_a_run(batch: Batch) -> None:
    act = Act(connect.task("triage", "scripted:"), batch.engine)
    lines = SAMPLES.read_bytes().splitlines()[:30]
    batch(batch.file("in.jsonl", [line.decode() for line in lines]))
    expected = {}
    for line in lines:
        outcome = handle(parse_chat(line), act)
        expected[outcome.key] = (str(outcome.place), dict(outcome.values), outcome.draft)
    assert any(place == Place.REVIEW for place, _, _ in expected.values())
    found = {
        row["id"]: (row["place"], {name: row[name] for name in ("sentiment", "summary")}, row["review_draft"])
        for row in batch.rows
    }
    assert found == expected


def test_a_chat_whose_answers_cannot_be_read_is_a_failure(batch: Batch) -> None:
    batch.engine = ScriptedEngine(script=Script(unreadable=1.0))
    batch(batch.file("in.jsonl", [{"id": 1, "user_id": 2, "text": "Hello"}]))
    assert batch.errors[0]["reason"] == "unreadable_answer"


def test_parameters_and_prompts_are_not_for_chats(batch: Batch) -> None:
    chats = batch.file("in.jsonl", [{"id": 1, "user_id": 2, "text": "Hello"}])
    with pytest.raises(BadConfig, match="top_k: not for chats"):
        batch(chats, given={"top_k": 5})
    with pytest.raises(BadConfig, match="a prompt is for records with text_inputs"):
        batch(chats, template=template("summarize"))


def test_an_engine_that_fails_on_everything_stops_the_job(batch: Batch) -> None:
    source = batch.file("in.jsonl", texts(500))
    batch.engine = ScriptedEngine(script=Script(dies_after=100))
    with pytest.raises(EngineError, match=r"failed on \d+ records in a row"):
        batch(source, limits=FEW)
    assert batch.manifest["status"] == "failed"
    assert len(batch.errors) < 30
    batch.engine = ScriptedEngine()
    done = batch(source, limits=FEW)
    assert (done.read, done.reconciled) == (500, True)
    assert done.stand.counts.failed == len(batch.errors)


def test_a_record_that_gets_no_answer_in_time_fails_alone(batch: Batch) -> None:
    batch.engine = ScriptedEngine(script=Script(hang=0.1))
    done = batch(batch.file("in.jsonl", texts(20)), timeout_s=0.05)
    assert {error["reason"] for error in batch.errors} == {"engine_timeout"}
    assert done.reconciled
    assert 0 < len(batch.errors) < 20


class Late:
    """An engine whose first answers come last."""

    model = "late"
    lacks: frozenset[str] = frozenset()

    def __init__(self, hold: int) -> None:
        self._hold, self._held = hold, list[Future[Completion]]()

    def submit(self, request: Request) -> Future[Completion]:
        future: Future[Completion] = Future()
        if len(self._held) < self._hold and not any(held.done() for held in self._held):
            self._held.append(future)
            threading.Timer(0.3, lambda: future.set_result(Completion("late", "late"))).start()
        else:
            future.set_result(Completion("soon", "late"))
        return future

    def close(self) -> None: ...


def test_rows_come_as_they_are_done_or_in_order(batch: Batch) -> None:
    source = batch.file("in.jsonl", texts(60))
    batch.engine = Late(2)
    batch(source)
    assert [row["record"] for row in batch.rows] != list(range(1, 61))
    assert sorted(row["record"] for row in batch.rows) == list(range(1, 61))
    batch.engine = Late(2)
    batch(source, fresh=True, ordered=True)
    assert [row["record"] for row in batch.rows] == list(range(1, 61))


def torn(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_job_torn_anywhere_goes_on_to_the_same_rows(batch: Batch, ordered: bool, packed: bool) -> None:
    source = Path(batch.file("in.jsonl", [*texts(20), "poison", *texts(20)]))
    if packed:
        (batch.folder / "in.jsonl.gz").write_bytes(gzip.compress(source.read_bytes()))
        source = batch.folder / "in.jsonl.gz"
    batch(str(source), ordered=ordered)
    whole, failures = batch.out.read_bytes(), errors_file(batch.out).read_bytes()
    for keep in range(0, len(whole), 97):
        batch.out.write_bytes(whole[:keep])
        if keep % 2:
            torn(errors_file(batch.out), keep // 10)
        done = batch(str(source), ordered=ordered)
        assert done.reconciled
        now = batch.out.read_bytes()
        assert now == whole if ordered else sorted(now.splitlines()) == sorted(whole.splitlines())
        assert errors_file(batch.out).read_bytes() == failures


def test_a_job_that_is_done_is_left_as_it_is(batch: Batch) -> None:
    source = batch.file("in.jsonl", texts(10))
    batch(source)
    rows = batch.out.read_bytes()
    again = batch(source)
    assert (again.read, again.stand.before, again.reconciled) == (10, 10, True)
    assert batch.out.read_bytes() == rows
    assert batch.manifest["runs"] == 2


def test_another_job_s_rows_are_not_gone_on_with(batch: Batch) -> None:
    source = batch.file("in.jsonl", texts(10))
    batch(source, given={"top_k": 3})
    for plan, told in (
        ({"given": {"top_k": 4}}, "top_k was 3 and is 4"),
        ({"given": {"top_k": 3}, "ordered": True}, "ordered was False and is True"),
        ({"given": {"top_k": 3}, "template": template("summarize")}, "prompt was '{text_inputs}' and is"),
    ):
        with pytest.raises(BadConfig, match=told):
            batch(source, **plan)
    batch.file("in.jsonl", texts(11))
    with pytest.raises(BadConfig, match=r"its input was not \S+in.jsonl as it is now"):
        batch(source, given={"top_k": 3})
    assert len(batch.rows) == 10
    batch(source, given={"top_k": 4}, fresh=True)
    assert len(batch.rows) == 11


def test_a_moved_input_is_the_same_input(batch: Batch) -> None:
    source = batch.file("in.jsonl", texts(10))
    batch(source)
    moved = shutil.move(source, batch.folder / "moved.jsonl")
    assert batch(str(moved)).stand.before == 10


def test_a_file_that_no_batch_wrote_is_left_alone(batch: Batch) -> None:
    batch.out.write_text("my letters\n")
    with pytest.raises(BadConfig, match="no batch has written it"):
        batch(batch.file("in.jsonl", texts(1)))
    assert batch.out.read_text() == "my letters\n"


def test_two_batches_do_not_write_the_same_rows(batch: Batch) -> None:
    source = batch.file("in.jsonl", texts(1))
    seen = []

    def answer(request: Request) -> str:
        other = Batch(batch.folder)
        with pytest.raises(BadConfig, match="is being written by another batch"):
            other(source)
        seen.append(request)
        return "x"

    batch.engine = ScriptedEngine(answer)
    assert batch(source).reconciled
    assert len(seen) == 1
    assert batch.rows[0]["generated_texts"] == ["x"]


def test_what_a_job_writes_is_not_its_input(batch: Batch) -> None:
    batch.file("in.jsonl", texts(5))
    for _ in range(2):
        assert batch(str(batch.folder)).read == 5
    with pytest.raises(BadConfig, match="are what is written"):
        batch(str(batch.out))
    with pytest.raises(BadConfig, match="reads files, not -"):
        batch("-")


def test_a_full_disk_is_said_and_the_job_goes_on_later(batch: Batch, small_disk: Path) -> None:
    source = batch.file("in.jsonl", texts(3000))
    small = replace(batch, folder=small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(700_000))
    with pytest.raises(AttuneError, match="Make room, then run the same command"):
        small(source, limits=Limits(in_flight=64))
    assert 0 < small.out.read_bytes().count(b"\n") < 3000
    filler.unlink()
    assert small(source).reconciled
    assert sorted(row["id"] for row in small.rows) == list(range(3000))
    assert small.manifest["status"] == "finished"


def test_an_engine_that_fails_once_is_asked_again(batch: Batch) -> None:
    asked: list[str] = []

    def answer(request: Request) -> str:
        said = request.prompt.messages[0].text
        asked.append(said)
        if asked.count(said) < 3:
            raise EngineError("not now")
        return "there"

    batch.engine = ScriptedEngine(answer)
    done = batch(batch.file("in.jsonl", texts(3)))
    assert (done.stand.counts.ok, done.stand.counts.failed, len(asked)) == (3, 0, 9)


@pytest.mark.timeout(30)
def test_a_fault_where_rows_are_counted_ends_the_job_loudly(batch: Batch) -> None:
    def watch(_: Stand) -> None:
        raise AssertionError("no bar")

    act = Act(connect.task("triage", "scripted:"), ScriptedEngine())
    plan = Plan((batch.file("in.jsonl", texts(300)),), batch.out)
    with pytest.raises(AssertionError, match="no bar"):
        work(plan, act, Limits(in_flight=4), watch=watch)
