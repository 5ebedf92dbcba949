"""attune run and enqueue: every input ends in one place, and the exit code says how it went."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Attune, chats

from attune.store import Status, Store


def wait_for_rows(attune: Attune, least: int) -> None:
    """Until the store has `least` outcomes."""
    wait_for(attune, lambda status: sum(status.counts.values()) >= least)


def wait_for(attune: Attune, come: Callable[[Status], bool]) -> None:
    with Store.open(attune.folder / "attune.db") as store:
        for _ in range(600):
            if come(store.status()):
                return
            time.sleep(0.05)
    raise AssertionError("it never came")


def test_the_samples_end_in_their_places_and_a_second_run_repeats_nothing(
    attune: Attune, samples: Path
) -> None:
    first = attune("run", samples.name)
    assert first.code == 0, first.err
    found = re.fullmatch(r"in 212 = table (\d+) \+ review (\d+) \+ dead 3 \+ repeated 0", first.lines[0])
    assert found
    assert int(found[1]) + int(found[2]) == 209
    assert "dead: 3 bad_input" in first.lines
    rows = attune.rows()
    second = attune("run", samples.name, "--json")
    assert second.code == 0
    assert (second.json["in"], second.json["repeated"], second.json["reconciled"]) == (212, 212, True)
    assert attune.rows() == rows
    assert len({row["id"] for row in rows}) == 209


def test_what_is_enqueued_is_worked_through_by_a_run_without_a_source(attune: Attune, samples: Path) -> None:
    assert attune("enqueue", samples.name).lines == ["added 212, in the queue before 0"]
    assert attune("enqueue", samples.name, "--json").json == {"added": 0, "repeated": 212}
    assert attune("status", "--json").json["waiting"] == 212
    done = attune("run", "--json")
    assert done.code == 0, done.err
    assert (done.json["in"], done.json["dead"]) == (212, 3)
    assert attune("status", "--json").json["waiting"] == 0


def test_chats_come_through_stdin_and_the_last_needs_no_line_feed(attune: Attune) -> None:
    done = attune("run", "-", "--json", stdin=b'{"id": 1, "user_id": 2, "text": "fine"}\n{"id": 2, "us')
    assert done.code == 0, done.err
    assert (done.json["in"], done.json["dead"]) == (2, 1)
    [letter] = [json.loads(line) for line in attune("dead", "list", "--json").lines]
    assert (letter["ref"], letter["raw"]) == ("stdin:2", '{"id": 2, "us')


def test_a_file_without_one_readable_chat_is_a_failure(attune: Attune) -> None:
    done = attune("run", "-", stdin=b"name;text\n1;hello\n")
    assert done.code == 1
    assert done.lines[0] == "in 2 = table 0 + review 0 + dead 2 + repeated 0"


def test_an_input_that_is_too_long_is_a_dead_letter_with_its_beginning(attune: Attune) -> None:
    long = json.dumps({"id": 1, "user_id": 2, "text": "x" * 5_000}).encode()
    done = attune(
        "run", "-", "--json", "--max-chat-bytes", "1000", stdin=long + b'\n{"id":2,"user_id":2,"text":"hi"}'
    )
    assert (done.code, done.json["dead"], done.json["in"]) == (0, 1, 2)
    key = attune("dead", "list", "--json").json["key"]
    assert attune("dead", "show", key, "--raw").out.encode() == long[:1001]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["run", "nowhere.jsonl"], 2, "attune: there is no file nowhere.jsonl"),
        (["run", "x", "--in-flight", "0"], 2, "attune: --in-flight: 0 is out of range; it can be 1 to 4,096"),
        (
            ["run", "--engine", "gpt"],
            2,
            "attune: no engine is called 'gpt'; there are: pocket, openvino, torch, vllm, keras, ctranslate2, http, https, scripted",  # noqa: E501
        ),
        (["run", "--engine", "openvino:no/such"], 3, "attune: "),
        (["run", "--store", "."], 4, "attune: "),
        (["run", "--task", "nothing"], 2, "attune: no task is called 'nothing'"),
        (["status"], 4, "attune: there is no store attune.db yet"),
        (["rum"], 2, "No such command 'rum'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_a_user_can_mend_is_said_in_words_with_its_exit_code(
    args: list[str], code: int, message: str, attune: Attune
) -> None:
    done = attune(*args)
    assert done.code == code, done.err
    assert message in done.err
    assert done.out == ""


def test_a_misspelt_variable_stops_every_command(attune: Attune) -> None:
    done = attune("status", ATTUNE_STOER="x.db")
    assert (done.code, done.err) == (
        2,
        "attune: unknown environment variable ATTUNE_STOER; the nearest known one is ATTUNE_STORE\n",
    )


def test_an_engine_that_fails_chat_after_chat_ends_the_run_with_its_code(
    attune: Attune, samples: Path
) -> None:
    done = attune(
        "run", samples.name, "--engine", "scripted:fail=1", "--max-engine-failures", "5", "--tries", "1"
    )
    assert done.code == 3, done.out
    assert "the engine failed on" in done.err


def test_ctrl_c_drains_and_the_next_run_finishes_the_job(attune: Attune) -> None:
    chats(attune.folder / "many.jsonl", 400)
    slow = attune.start(
        "run", "many.jsonl", "--quiet", "--in-flight", "4", ATTUNE_ENGINE="scripted:delay_ms=30"
    )
    wait_for_rows(attune, 5)
    slow.send_signal(signal.SIGINT)
    out, err = slow.communicate(timeout=30)
    assert slow.returncode == 130, err
    counts = re.match(
        r"in (\d+) = table (\d+) \+ review (\d+) \+ dead 0 \+ repeated 0( \+ returned (\d+))?",
        out.decode(),
    )
    assert counts, out
    assert int(counts[1]) == int(counts[2]) + int(counts[3]) + int(counts[5] or 0)
    assert b"what is in flight is finished" in err
    drained = attune.rows()
    assert 5 <= len(drained) < 400
    assert attune("status", "--json").json["leased"] == 0
    assert attune("run", "many.jsonl").code == 0
    assert attune("run").code == 0
    assert {row["id"] for row in attune.rows()} == {str(number) for number in range(400)}


def test_a_second_ctrl_c_stops_at_once(attune: Attune) -> None:
    chats(attune.folder / "many.jsonl", 40)
    stuck = attune.start("run", "many.jsonl", "--quiet", ATTUNE_ENGINE="scripted:hang=1")
    wait_for(attune, lambda status: status.leased > 0)
    stuck.send_signal(signal.SIGTERM)
    read_until(stuck, b"once more stops at once")
    stuck.send_signal(signal.SIGTERM)
    stuck.communicate(timeout=30)
    assert stuck.returncode == 128 + signal.SIGTERM


def test_kill_9_and_a_restart_give_the_rows_of_a_run_that_was_left_alone(attune: Attune) -> None:
    chats(attune.folder / "many.jsonl", 200)
    killed = attune.start(
        "run", "many.jsonl", "--quiet", "--in-flight", "4", ATTUNE_ENGINE="scripted:delay_ms=20"
    )
    wait_for_rows(attune, 5)
    killed.kill()
    killed.communicate(timeout=30)
    assert len(attune.rows()) < 200
    again = attune("run", "many.jsonl", "--json", "--lease-s", "0.5")
    assert again.code == 0, again.err
    assert (again.json["in"], again.json["reconciled"]) == (200, True)
    assert attune("run", "many.jsonl", "--store", "alone.db").code == 0
    kept = ("id", "sentiment", "summary", "place")
    rows, alone = (
        [{name: row[name] for name in kept} for row in attune.rows(db)] for db in ("attune.db", "alone.db")
    )
    assert sorted(rows, key=lambda row: row["id"]) == sorted(alone, key=lambda row: row["id"])


def test_a_growing_file_is_followed_and_its_numbers_are_served_on_this_machine(attune: Attune) -> None:
    path = chats(attune.folder / "growing.jsonl", 3)
    port = free_port()
    run = attune.start("run", path.name, "--follow", "--metrics-port", str(port), "--log-level", "info")
    try:
        wait_for_metric(port, "attune_inputs_total 3.0")
        with path.open("a", encoding="utf-8") as file:
            file.write("not a chat\n")
        metrics = wait_for_metric(port, 'attune_dead_total{reason="bad_input"} 1.0')
    finally:
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert out.decode().splitlines()[0].startswith("in 4 = ")
    assert 'attune_outcomes_total{place="dead"} 1.0' in metrics
    assert "attune_backlog 0.0" in metrics
    assert "action=dead_letter" in err.decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_metric(port: int, line: str) -> str:
    text = ""
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                text = answer.read().decode()
        except OSError:
            text = ""
        if line in text:
            return text
        time.sleep(0.05)
    raise AssertionError(f"{line} never came:\n{text}")


def read_until(process: subprocess.Popen[bytes], text: bytes) -> None:
    assert process.stderr is not None
    seen = b""
    while text not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
