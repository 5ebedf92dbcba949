"""Models are fetched from a hub, only what is needed, and what goes wrong is told in words."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.models.small_hub import NAME, SHA, Hub, served

from attune.models.hub import is_name, needed
from attune.models.transfer import told

WEIGHTS = bytes(range(256)) * 100_000  # the client writes 10 MB at a time
FILES = {
    "config.json": b'{"model_type": "t5"}',
    "tokenizer.json": b"{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"old",
    "flax_model.msgpack": b"other",
    "README.md": b"words",
}
_FETCH = """
import json, sys
from pathlib import Path
from attune.errors import ModelError
from attune.models.hub import download
try:
    sha, files = download(sys.argv[1], sys.argv[2], Path(sys.argv[3]), lambda told: None)
    print(json.dumps({"sha": sha, "sums": {name: file.sha256 for name, file in files.items()}}))
except ModelError as error:
    print(json.dumps({"error": str(error)}))
"""


def fetch(hub: str, folder: Path, name: str = NAME, revision: str = "main", **more: str) -> dict[str, Any]:
    """In a process of its own: the library reads the hub's address when it is loaded."""
    settings = {"HF_ENDPOINT": hub, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HOME": str(folder / ".home")}
    settings |= {"HF_HUB_DISABLE_XET": "1", **more}
    done = subprocess.run(
        [sys.executable, "-c", _FETCH, name, revision, str(folder / "model")],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_only_what_is_needed_is_fetched(tmp_path: Path) -> None:
    with served(Hub(FILES)) as hub:
        told = fetch(hub.address, tmp_path)
    assert told["sha"] == SHA
    assert told["sums"]["model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()
    there = {path.name for path in (tmp_path / "model").iterdir() if path.is_file()}
    assert there == {"config.json", "tokenizer.json", "model.safetensors"}
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS


def test_after_a_break_no_byte_is_fetched_again(tmp_path: Path) -> None:
    with served(Hub(dict(sorted(FILES.items())), gives=15_000_000)) as hub:
        told = fetch(hub.address, tmp_path)
        assert "could not be fetched" in told.get("error", ""), told
        assert "The same command goes on" in told["error"]
        (part,) = (tmp_path / "model").glob("*.part")
        had = part.stat().st_size
        assert 0 < had < 15_000_000
        hub.gives = hub.refuses = None
        hub.asked.clear()
        hub.ranges.clear()
        assert fetch(hub.address, tmp_path)["sha"] == SHA
        assert hub.ranges == [f"bytes={had}-"]
        assert len(hub.given("model.safetensors")) == 1
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("refuses", "words"),
    [
        ((403, "GatedRepo"), ("gated", f"https://huggingface.co/{NAME}", "hf auth login")),
        ((404, "RepoNotFound"), ("no model", "private")),
        ((404, "RevisionNotFound"), ("no revision 'main'",)),
        ((500, ""), ("could not be fetched", "attune models add FOLDER")),
    ],
)
def test_a_hub_that_gives_nothing_is_told_in_words(
    tmp_path: Path, refuses: tuple[int, str], words: tuple[str, ...]
) -> None:
    with served(Hub(FILES, refuses=refuses)) as hub:
        told = fetch(hub.address, tmp_path)
    for word in words:
        assert word in told["error"]


def test_a_file_with_another_sum_than_the_hub_says_is_removed(tmp_path: Path) -> None:
    with served(Hub(FILES, told={"model.safetensors": "0" * 64})) as hub:
        assert "came damaged and was removed" in fetch(hub.address, tmp_path)["error"]
    assert not (tmp_path / "model" / "model.safetensors").exists()


def test_what_is_there_of_another_commit_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_bytes(FILES["config.json"].replace(b"t5", b"t9"))
    with served(Hub(FILES)) as hub:
        assert "config.json of owner/small-t5 came damaged" in fetch(hub.address, tmp_path)["error"]
        assert fetch(hub.address, tmp_path)["sha"] == SHA


def test_how_far_it_is_is_told_with_rate_and_time_left() -> None:
    line = told("model.safetensors", 1_000_000_000, 500_000_000, 4_000_000_000, 10.0)
    assert line == "model.safetensors: 1.50 of 4.00 GB, 50.0 MB/s, 0:50 left"


def test_nobody_there_is_told_in_words(tmp_path: Path) -> None:
    told = fetch("http://127.0.0.1:9", tmp_path)
    assert "could not be fetched" in told["error"]
    assert "Without a network" in told["error"]


def test_a_model_without_weights_is_refused(tmp_path: Path) -> None:
    with served(Hub({"config.json": b"{}"})) as hub:
        assert "no weights" in fetch(hub.address, tmp_path)["error"]


def test_old_weights_are_taken_where_there_are_no_others() -> None:
    assert needed(["pytorch_model.bin", "config.json", "tf_model.h5"]) == ["pytorch_model.bin", "config.json"]
    shards = ["model-00001-of-2.safetensors", "model.safetensors.index.json", "pytorch_model.bin"]
    assert needed(shards) == shards[:2]


@pytest.mark.parametrize(
    ("source", "hub"), [("google/flan-t5-large", True), ("flan-t5", False), ("a/b/c", False), ("./x", True)]
)
def test_a_name_of_the_hub_has_an_owner(source: str, hub: bool) -> None:
    assert is_name(source) is hub
