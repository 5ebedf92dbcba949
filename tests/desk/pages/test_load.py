"""Many reviewers at once decide everything once; `make desk-load` does it with 50 of them and 5,000 items."""

from __future__ import annotations

from pathlib import Path

from bench.desk import Load, run


def test_reviewers_at_once_decide_each_item_once_and_lose_none(tmp_path: Path) -> None:
    seen = run(Load(reviewers=8, items=80, think=0.05), tmp_path)
    assert len(seen.decided) == 80
