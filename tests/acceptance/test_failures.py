"""What breaks around a run ends in a clear message, and nothing is lost."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from attune.outcome import Place
from attune.store import Store

CHATS = 400


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "chats.jsonl"
    lines = [json.dumps({"id": n, "user_id": 1, "text": f"Where is order {n}?"}) for n in range(CHATS)]
    path.write_text("\n".join(lines) + "\n")
    return path


def attune(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "attune", *arguments]


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        attune("run", *arguments, "--quiet", "--json"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **more,
    )


def settled(store: Path) -> dict[Place, int]:
    with Store.open(store) as opened:
        return opened.counts()


def test_a_full_disk_ends_the_run_with_a_message_and_with_room_it_goes_on(
    chats: Path, small_disk: Path
) -> None:
    store = small_disk / "attune.db"
    command = (str(chats), "--store", str(store), "--engine", "scripted:")
    full = run(*command)
    assert full.returncode == 4
    assert "disk" in full.stderr
    assert "full" in full.stderr
    assert "Traceback" not in full.stderr
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    before = sum(settled(store).values())
    again = run(*command)
    assert again.returncode == 0, again.stderr
    counts = json.loads(again.stdout)
    assert before < CHATS
    assert counts["in"] == CHATS
    assert sum(settled(store).values()) == CHATS


def test_a_source_that_ends_in_half_a_line_loses_only_what_was_never_there(
    chats: Path, tmp_path: Path
) -> None:
    with chats.open("ab") as file:
        file.write(b'{"id": 9999, "user_id": 1, "te')
    done = run(str(chats), "--store", str(tmp_path / "a.db"), "--engine", "scripted:")
    counts = json.loads(done.stdout)
    assert done.returncode == 0
    assert (counts["in"], counts["dead"]) == (CHATS + 1, 1)
    with Store.open(tmp_path / "a.db") as store:
        (letter,) = store.dead()
    assert letter.raw == b'{"id": 9999, "user_id": 1, "te'
    assert letter.ref == f"{chats}:{CHATS + 1}"
    assert "not JSON" in letter.detail


def test_an_engine_that_raises_on_every_chat_ends_the_run_and_keeps_the_chats(
    chats: Path, tmp_path: Path
) -> None:
    store = str(tmp_path / "a.db")
    done = run(str(chats), "--store", store, "--engine", "scripted:fail=1", "--tries", "1")
    assert done.returncode == 3
    assert "chats in a row" in done.stderr
    assert "Traceback" not in done.stderr
    replayed = subprocess.run(
        attune("dead", "replay", "--all", "--store", store, "--engine", "scripted:", "--quiet"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert replayed.returncode == 0, replayed.stderr
    run(str(chats), "--store", store, "--engine", "scripted:")
    counts = settled(tmp_path / "a.db")
    assert sum(counts.values()) == CHATS
    assert counts.get(Place.DEAD, 0) == 0


def test_an_engine_that_never_answers_costs_its_chats_a_timeout_and_nobody_else(
    chats: Path, tmp_path: Path
) -> None:
    command = (str(chats), "--store", str(tmp_path / "a.db"), "--engine", "scripted:hang=0.02")
    done = run(*command, "--tries", "1", "--timeout-s", "1")
    assert done.returncode == 0
    counts = json.loads(done.stdout)
    assert counts["in"] == CHATS
    assert 0 < counts["dead"] == counts["reasons"]["engine_timeout"] < CHATS / 10


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_drained_run_says_what_it_finished_and_the_next_one_does_the_rest(
    chats: Path, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    store = tmp_path / "a.db"
    command = attune(
        "run", str(chats), "--store", str(store), "--engine", "scripted:delay_ms=40", "--in-flight", "4"
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not (store.exists() and _some(store)) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(sent)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert "in " in out
    done = sum(settled(store).values())
    assert 0 < done < CHATS
    with Store.open(store) as opened:
        assert opened.status().leased == 0
    rest = run(str(chats), "--store", str(store), "--engine", "scripted:")
    assert json.loads(rest.stdout)["repeated"] == done
    assert sum(settled(store).values()) == CHATS


def _some(store: Path) -> bool:
    with Store.open(store) as opened:
        return sum(opened.counts().values()) > 0
