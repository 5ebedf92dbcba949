"""A full disk: nothing is half written, and the store goes on when there is room again."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.errors import StoreError
from attune.outcome import Place
from attune.store import Input, Store

Make = Callable[..., Any]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "attune-test", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_half_written(
    small_disk: Path, given: Callable[..., Input], ended: Make
) -> None:
    with Store.open(small_disk / "attune.db") as store:
        inputs = [given(str(n), "x" * 32) for n in range(200)]
        items = store.admit(inputs, "triage", "v1", "ann", 60).items
        store.settle([ended(item) for item in items[:100]])
        ballast = small_disk / "ballast"
        _fill_up(ballast)
        more = [ended(item, values={"summary": "y" * 20_000}) for item in items[100:]]
        with pytest.raises(StoreError, match=r"disk .*full.* nothing was half written"):
            store.settle(more)
        assert store.counts()[Place.TABLE] == 100
        assert store.waiting() == 100
        ballast.unlink()
        store.settle([ended(item) for item in items[100:]])
        assert store.counts()[Place.TABLE] == 200
        assert store.waiting() == 0
    with Store.open(small_disk / "attune.db") as store:
        assert len(list(store.outcomes())) == 200


def _fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC
