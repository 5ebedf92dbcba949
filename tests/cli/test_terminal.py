"""On a terminal: a bar, tables and panels, and nothing of a customer's in charge of it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

from tests.cli.conftest import COMMAND, Attune, chats

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(attune: Attune, *args: str) -> tuple[int, str]:
    """The exit code of a command whose stdout and stderr are a terminal, and all that it wrote there."""
    ours, theirs = pty.openpty()
    environment = attune.environment | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}
    with subprocess.Popen(
        [*COMMAND, *args], cwd=attune.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65536):
                written += chunk
        except OSError:
            pass  # how a terminal ends when its last writer has gone
        os.close(ours)
        return process.wait(timeout=60), written.decode()


def test_a_bar_and_the_reckoning_are_shown(attune: Attune, samples: Path) -> None:
    code, written = on_a_terminal(attune, "run", samples.name)
    assert code == 0
    assert "━" in written
    assert "in 212 = table" in written


def test_a_bar_without_an_end_shows_no_percentage(attune: Attune, samples: Path) -> None:
    assert attune("enqueue", samples.name).code == 0
    code, written = on_a_terminal(attune, "run")
    assert code == 0
    assert "%" not in written


def test_a_customers_escapes_and_markup_are_letters(attune: Attune) -> None:
    chats(
        attune.folder / "evil.jsonl",
        2,
        ["\x1b[31mI am red\x1b[0m", "[bold red]loud[/] [link=http://x]here[/link]"],
    )
    (attune.folder / "say.toml").write_text(
        'cue = "Say."\n[fields.words]\nkind = "excerpt"\n', encoding="utf-8"
    )
    assert attune("run", "evil.jsonl", "--task", "say.toml").code == 0
    code, written = on_a_terminal(attune, "results", "--task", "say.toml")
    assert code == 0
    assert "\x1b[31m" not in written
    shown = _ESCAPE.sub("", written)
    assert "\\x1b[31mI am red" in shown
    assert "[bold red]loud[/]" in shown


def test_the_demo_fits_eighty_columns(attune: Attune) -> None:
    code, written = on_a_terminal(attune, "demo")
    assert code == 0
    story = _ESCAPE.sub("", written[written.index("in 212 = ") :])
    assert "╭─ Unhappy: a review item with a drafted reply" in story
    lines = [line.rstrip("\r") for line in story.split("\n") if "bin/attune" not in line]
    assert max(map(len, lines)) <= 80
