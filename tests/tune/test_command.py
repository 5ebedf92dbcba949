"""`attune tune`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.cli.conftest import Attune, attune, environment
from tests.tune.bases import whole

from attune.cli.tune import tune

__all__ = ["attune", "environment"]
ROWS = [
    {"input": "Where is my parcel?", "output": "On its way."},
    {"input": "It is late. \u202e\x1b[31mred", "output": "We are sorry."},
    {"input": "3 boxes please", "output": "2 boxes are yours."},
]

SHORT = 'cue = "Reply."\nplain = true\n[fields.reply]\nkind = "text"\nmax_chars = 100\n'


@pytest.fixture
def letters(attune: Attune) -> str:
    path = attune.folder / "letters.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path.name


def check(attune: Attune, *args: str) -> Any:
    return attune("tune", *args, "--check", ATTUNE_ENGINE="pocket")


def test_the_check_shows_example_1_with_its_trained_part_marked(attune: Attune, letters: str) -> None:
    done = check(attune, letters)
    assert done.code == 0
    assert done.lines[0] == "3 examples (3 reply) in en 3"
    assert "tokens are trained on" in done.lines[1]
    assert "letters.jsonl:3: not in the input: 2 boxes, not 3 boxes" in done.out
    assert "Customer: Where is my parcel?" in done.out
    assert "«On its way.<end_of_turn>»" in done.out
    assert "\x1b" not in done.out


def test_rows_that_cannot_be_trained_on_are_named_and_stop_it(attune: Attune, letters: str) -> None:
    with (attune.folder / letters).open("a", encoding="utf-8") as file:
        file.write('{"input": "a", "output": ""}\nno json\n')
    done = check(attune, letters)
    assert done.code == 2
    assert "letters.jsonl:4: output: empty" in done.err
    told = check(attune, letters, "--json")
    assert {each["ref"] for each in told.json["findings"] if each["stops"]} == {
        "letters.jsonl:4",
        "letters.jsonl:5",
    }


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--check",), "nothing to learn from"),
        (("letters.jsonl",), "what is the adapter to be called?"),
        (("letters.jsonl", "--name", "../a"), "cannot be an adapter's name"),
        (("letters.jsonl", "--rank", "0"), "--rank"),
        (("letters.jsonl", "--base", "nothing"), "config.json, tokenizer.json"),
        (("nothing.jsonl", "--name", "a"), "nothing.jsonl"),
    ],
)
@pytest.mark.usefixtures("letters")
def test_a_wrong_call_is_told_in_words(attune: Attune, args: tuple[str, ...], told: str) -> None:
    done = attune("tune", *args, ATTUNE_ENGINE="pocket")
    assert done.code in (2, 3)
    assert told in done.err


def test_a_base_that_no_engine_serves_is_tuned(
    attune: Attune, letters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tasks are the built-in ones, and nothing is evaluated. Here in this process, which has torch."""
    monkeypatch.chdir(attune.folder)
    Path("base").mkdir()
    Path("short.toml").write_text(SHORT, encoding="utf-8")
    args = ("--base", str(whole(Path("base"))), "--task", "short.toml", "--adapters", "kept")
    done = CliRunner().invoke(tune, [letters, "--name", "late", *args, "--epochs", "1", "--folds", "1"])
    assert done.exit_code == 0, done.output
    assert "late is there: epoch 1, in kept/late" in done.stdout
    assert "held out" in done.stderr
    told = json.loads((Path("kept") / "late" / "attune.json").read_text(encoding="utf-8"))
    assert (told["chosen"], told["evaluation"], told["base"]["address"]) == (1, {}, "")
    again = CliRunner().invoke(tune, [letters, "--name", "late", *args])
    assert "is there already" in str(again.exception)
