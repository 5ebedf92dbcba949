"""The installed command, run as a user would, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from attune.connect import SAMPLES

COMMAND = [sys.executable, "-m", "attune"]


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass(frozen=True, slots=True)
class Attune:
    """Runs `attune` in `folder`, with a scripted engine unless the environment says otherwise."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, *args: str, stdin: bytes = b"", **environment: str) -> Done:
        done = subprocess.run(
            [*COMMAND, *args],
            cwd=self.folder,
            env=self.environment | environment,
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *args: str, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*COMMAND, *args],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def rows(self, store: str = "attune.db") -> list[dict[str, Any]]:
        done = self("results", "--format", "jsonl", "--store", store)
        assert done.code == 0, done.err
        return [json.loads(line) for line in done.lines]


def clean_environment() -> dict[str, str]:
    """Without settings of ours, with the scripted engine, and compiled modules as an installation has."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ATTUNE_")}
    if ours.pop("PYTHONDONTWRITEBYTECODE", None):
        ours["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / "attune-tests-compiled")
    return ours | {"ATTUNE_ENGINE": "scripted:"}


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    return clean_environment()


@pytest.fixture
def attune(tmp_path: Path, environment: dict[str, str]) -> Attune:
    return Attune(tmp_path, environment)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """The sample chats: 212 lines, of which three cannot be read."""
    path = tmp_path / "chats.jsonl"
    path.write_bytes(SAMPLES.read_bytes())
    return path


def chats(path: Path, count: int, texts: Sequence[str] = ()) -> Path:
    """A file of `count` chats, with `texts` in the first of them."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            text = (
                texts[number] if number < len(texts) else f"My order {number} came late, and nobody answers."
            )
            file.write(json.dumps({"id": number, "user_id": 7, "text": text}) + "\n")
    return path
