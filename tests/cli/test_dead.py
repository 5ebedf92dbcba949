"""attune dead: look at what could not be read, get its bytes back, and try it again."""

from __future__ import annotations

import base64
import shutil
import subprocess

import pytest
from tests.cli.conftest import COMMAND, Attune, chats

RAW = b'{"id": 7, "user_id": 1, "text": "\xff\x1b[31m"} \x00 '


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Attune:
    """Chats that the engine failed on, and one input that is not UTF-8."""
    attune = Attune(tmp_path_factory.mktemp("letters"), environment)
    chats(attune.folder / "some.jsonl", 4)
    with (attune.folder / "some.jsonl").open("ab") as file:
        file.write(RAW + b"\n")
    done = attune("run", "some.jsonl", "--json", ATTUNE_ENGINE="scripted:unreadable=1")
    assert done.code == 1, done.err
    assert done.json["reasons"] == {"unreadable_answer": 4, "bad_input": 1}
    return attune


@pytest.fixture
def with_letters(letters: Attune, attune: Attune) -> Attune:
    """The same in a folder that may be changed."""
    shutil.copytree(letters.folder, attune.folder, dirs_exist_ok=True)
    return attune


def test_letters_are_listed_by_reason_and_shown_with_every_answer(with_letters: Attune) -> None:
    listed = with_letters("dead", "list", "--reason", "unreadable_answer").out
    assert {line.split()[0] for line in listed.splitlines()[::2]} == {"0", "1", "2", "3"}
    shown = with_letters("dead", "show", "0")
    assert shown.code == 0
    assert shown.out.count("answer ") == 3
    assert "no JSON object in the answer" in shown.out
    assert with_letters("dead", "show", "0", "--json").json["attempts"][0]["task"] == "triage"
    assert with_letters("dead", "show", "nothing").code == 2


def test_the_raw_bytes_come_back_exactly_and_never_reach_the_terminal(with_letters: Attune) -> None:
    [letter] = [with_letters("dead", "list", "--reason", "bad_input", "--json").json]
    assert base64.b64decode(letter["raw_base64"]) == RAW
    raw = subprocess.run(
        [*COMMAND, "dead", "show", letter["key"], "--raw"],
        cwd=with_letters.folder,
        env=with_letters.environment,
        capture_output=True,
        check=True,
    )
    assert raw.stdout == RAW
    shown = with_letters("dead", "show", letter["key"]).out
    assert "\x1b" not in shown
    assert "\x00" not in shown
    assert "\\xff" in shown


def test_a_replay_works_through_them_at_once_with_the_engine_of_now(with_letters: Attune) -> None:
    done = with_letters("dead", "replay", "--reason", "unreadable_answer")
    assert done.code == 0, done.err
    assert done.lines[0] == "4 back in the queue"
    assert done.lines[1].startswith("in 4 = ")
    assert "dead 0" in done.lines[1]
    assert with_letters("status", "--json").json["counts"]["dead"] == 1


def test_a_replay_can_leave_the_work_to_the_next_run(with_letters: Attune) -> None:
    assert with_letters("dead", "replay", "0", "3", "--only-enqueue", "--json").json == {"replayed": 2}
    assert with_letters("status", "--json").json["waiting"] == 2
    assert with_letters("run", "--json").json["in"] == 2


def test_a_replay_wants_to_know_which_and_takes_none_if_one_is_unknown(with_letters: Attune) -> None:
    assert with_letters("dead", "replay").code == 2
    assert with_letters("dead", "replay", "0", "--all").code == 2
    done = with_letters("dead", "replay", "0", "nothing")
    assert (done.code, done.err) == (2, "attune: there is no dead letter nothing; nothing was put back\n")
    assert with_letters("status", "--json").json["counts"]["dead"] == 5
