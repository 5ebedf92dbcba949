"""A full disk: nothing is half written, and the store goes on when there is room again."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attune.errors import StoreError
from attune.outcome import Place
from attune.store import Input, Store

Make = Callable[..., Any]


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


def test_a_disk_that_can_only_be_read_says_so(small_disk: Path, given: Callable[..., Input]) -> None:
    path = small_disk / "attune.db"
    Store.open(path).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match=r"attune\.db: it can.* user .*write"), Store.open(path) as store:
        store.enqueue([given("1")])


def test_a_file_that_may_not_grow_leaves_nothing_half_written(tmp_path: Path) -> None:
    code = """
import resource, sys
from attune.errors import StoreError
from attune.store import Input, Store
store = Store.open(sys.argv[1])
inputs = [Input(str(n), "d", b"x" * 20_000, "") for n in range(100)]
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
try:
    store.enqueue(inputs)
except StoreError as error:
    print(error)
print(store.waiting())
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(store.enqueue(inputs).added)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "attune.db")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0].endswith("nothing was half written.")
    assert said[1:] == ["0", "100"]
