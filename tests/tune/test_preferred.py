"""An adapter from preferences is a folder like any other's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tune.bases import whole

from attune.adapters import kept, record
from attune.errors import ModelError
from attune.task import BUILT_IN, load
from attune.tune.base import Base
from attune.tune.pairs import Pair
from attune.tune.preferred import tune_preferred
from attune.tune.run import Plan
from attune.tune.settings import Settings

LIKED = [Pair((2, 10, 11, number), (20, 21, 1), (30, 31, 1), f"chat {number}") for number in range(40, 44)]


def test_its_folder_is_found_by_name_and_says_what_it_was_made_of(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    base = Base(whole(tmp_path / "base"))
    task = ("reply", load(BUILT_IN / "reply.toml"))
    plan = Plan("liked", base, task, Settings(epochs=1, batch=2, rank=2), tmp_path / "adapters")
    folder, made = tune_preferred(plan, LIKED, None)
    assert kept.find("liked", plan.adapters) == folder
    assert [path.name for path in plan.adapters.iterdir()] == ["liked"]
    assert record.read(folder) == made
    assert (made.data.examples, made.settings["preferences"]) == (4, "DPO")
    with pytest.raises(ModelError, match="is there already"):
        tune_preferred(plan, LIKED, None)
