"""`attune arms report`, as a user runs it."""

from __future__ import annotations

import numpy as np
from tests.cli.conftest import Attune
from tests.compare.reviews import decide, settle, taste

from attune.connect import SAMPLES
from attune.store import Store


def test_the_report_says_which_arm_is_better_and_by_how_much(attune: Attune) -> None:
    with Store.open(attune.folder / "attune.db") as store:
        settle(store, ("base", "c\x1b[31m"), 60)
        decide(store, {"base": taste(0.1, 0.2), "c\x1b[31m": taste(0.8, 0.1)}, np.random.default_rng(2))
    told = attune("arms", "report", "--price-per-hour", "3")
    assert told.code == 0
    figures = dict(line.split("\t", 1) for line in told.lines if "\t" in line)
    assert figures[""] == "base\tc\\x1b[31m"
    assert figures["chats"] == "30\t30"
    assert figures["price of 1,000 chats"].startswith("50.00 (")
    assert figures["reviews decided"] == "30\t30"
    assert told.lines[-1].startswith("c\\x1b[31m is better than base: its drafts score +")
    found = attune("arms", "report", "--base", "c\x1b[31m", "--arm", "base", "--json").json
    (verdict,) = found["verdicts"]
    assert verdict["worse"]
    assert verdict["high"] < 0
    assert found["costs"]["base"]["price"] is None
    assert found["costs"]["base"]["p99_s"]["high"] is None


def test_one_arm_alone_has_its_figures_and_is_compared_with_none(attune: Attune) -> None:
    attune("run", str(SAMPLES), "--quiet")
    told = attune("arms", "report")
    assert told.code == 0
    assert told.lines[-1].startswith("one arm alone: ")
    assert attune("arms", "report", "--since", "soon").code == 2
