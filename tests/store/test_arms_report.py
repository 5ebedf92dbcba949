"""The report on arms, from reviews that were decided at the desk, on each kind of store."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from tests.compare.reviews import PLAIN, better, decide, settle, taste

from attune.arms import Arm, Split
from attune.compare.report import compared, report
from attune.compare.verdict import both_since, verdict
from attune.desk.ruling import Reject
from attune.store import Store
from attune.store.arms import Change
from attune.store.desk.insight import Frame


def split(version: int, *arms: Arm) -> Change:
    return Change(Split(arms, version), "add", arms[-1].name, "lea", "", at=float(version))


def test_a_reviewer_who_prefers_an_arm_is_understood(store: Store) -> None:
    settle(store, ("base", "b"), 80)
    decide(store, {"base": taste(0.2, 0.2), "b": taste(0.7, 0.2)}, np.random.default_rng(1))
    found = verdict(store, "base", "b", time.time())
    assert found.difference.better
    assert found.difference.reviews == 80
    assert found.sentence.startswith("b is better than base: its drafts score +")
    turned = verdict(store, "b", "base", time.time())
    assert turned.sentence.startswith("base is worse than b: its drafts score −")


def test_arms_that_are_alike_are_not_told_apart_and_it_says_how_many_reviews_it_takes(store: Store) -> None:
    settle(store, ("base", "b"), 60)
    decide(store, {"base": PLAIN, "b": better(0.2)}, np.random.default_rng(2))
    found = verdict(store, "base", "b", time.time())
    assert found.sentence.startswith("Not known yet: about ")
    assert " more reviews if they go on as so far" in found.sentence
    settle(store, ("a", "twin"), 2)
    decide(store, {"a": taste(1, 0), "twin": taste(1, 0)}, np.random.default_rng(2))
    twin = verdict(store, "a", "twin", time.time())
    assert twin.sentence.startswith("Not known yet, so alike are twin and a so far: its drafts score +0.0 ")
    nobody = verdict(store, "base", "c", time.time())
    assert nobody.sentence == "Not known yet: c and base need a decided review each."


def test_every_figure_is_that_of_the_decisions(store: Store) -> None:
    settle(store, ("base",), 10)
    decide(store, {"base": taste(1, 0)}, np.random.default_rng(3))
    settle(store, ("b",), 20)
    decide(store, {"b": taste(0, 0)}, np.random.default_rng(3))
    store.reviews.rate(1, "ann", 5)
    found = report(store, ("base", "b"), time.time(), an_hour=3.6)
    base, b = found.reviewed["base"], found.reviewed["b"]
    assert (base.decided, base.score.value, base.accepted.value, base.stars.value) == (10, 1, 1, 5)
    assert (b.decided, b.score.value, b.rejected.value) == (20, 0, 1)
    assert {reason: each.value for reason, each in b.reasons.items()} == {"wrong tone": 1}
    assert b.changed.value is None
    cost = found.costs["b"]
    assert (cost.chats, cost.dead, cost.p50_s.value, cost.prompt_tokens.value) == (20, 0, 0.5, 200)
    # One hour, shared by the seconds, which are the same for each of the 30 chats.
    assert cost.price is not None
    assert cost.price.value == pytest.approx(1000 * 3.6 / 30)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["verdicts"][0]["worse"]


def test_edits_count_by_how_much_they_let_stand_and_undone_decisions_not_at_all(store: Store) -> None:
    settle(store, ("b",), 12)
    decide(store, {"b": taste(0, 1)}, np.random.default_rng(4))
    made = [each.decision for each in store.examples.read("edited")]
    kept = [1 - each.distance / each.units for each in made if each]
    found = report(store, ("b",), time.time()).reviewed["b"]
    assert found.edited.value == 1
    assert found.score.value == pytest.approx(np.mean(kept))
    assert found.changed.value == pytest.approx(1 - np.mean(kept))
    settle(store, ("c",), 1)
    (line,) = store.reviews.waiting()
    last = store.reviews.decide(store.reviews.claim(line.number, "ann", 60), Reject("other"), 60)
    store.reviews.undo(last.id, "ann", 60, 60)
    assert "c" not in store.insight.arms()


def test_chats_without_an_arm_are_in_no_report(store: Store) -> None:
    settle(store, ("",), 3)
    decide(store, {"": PLAIN}, np.random.default_rng(5))
    assert compared(store) == ()
    assert store.insight.spent(Frame(0, time.time() + 60)) == {}


def test_arms_are_compared_since_both_serve_as_they_are() -> None:
    a, b, other = Arm(name="a"), Arm(name="b", weight=0.1), Arm("http:x", name="b")
    history = [
        split(5, a),
        split(4, a, Arm(name="b", weight=0.5)),
        split(3, a, b),
        split(2, a, other),
        split(1, a),
    ]
    assert both_since(history, "a", "b") == 3
    assert both_since([split(6, a, b), *history], "a", "b") == 6
    assert both_since(history, "a", "c") == 0


def test_the_arms_that_serve_are_compared_with_the_oldest(store: Store) -> None:
    settle(store, ("old", "gone"), 2)
    decide(store, {"old": PLAIN, "gone": PLAIN}, np.random.default_rng(6))
    assert set(compared(store)) == {"old", "gone"}
    store.arms.write(split(1, Arm(name="new"), Arm(name="old")))
    assert compared(store) == ("old", "new")
