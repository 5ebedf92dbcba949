"""Folding: the figures follow what is settled, from a thread of the service."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from attune import connect, stream
from attune.folding import Folding
from attune.handle import Act
from attune.limits import Limits
from attune.store import Input, Store
from attune.testing import ScriptedEngine


def settle(store: Store, *names: str) -> None:
    store.enqueue(
        Input(name, name, f'{{"id": "{name}", "user_id": 1, "text": "soup"}}'.encode(), "test")
        for name in names
    )
    stream.run(None, store, Act(connect.task("triage", "scripted:"), ScriptedEngine()), Limits())


def wait_for(store: Store, seconds: float = 10.0) -> int:
    until = time.monotonic() + seconds
    while (left := store.insight.behind()) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def test_what_is_settled_is_counted_in_a_moment_later(tmp_path: Path) -> None:
    with Store.open(tmp_path / "desk.db") as store, closing(Folding(store)):
        settle(store, "1", "2")
        assert wait_for(store) == 0
        settle(store, "3")
        assert wait_for(store) == 0


def test_a_folding_that_is_closed_counts_no_more(tmp_path: Path) -> None:
    with Store.open(tmp_path / "desk.db") as store:
        Folding(store).close()
        settle(store, "1")
        assert wait_for(store, 0.3) == 1
