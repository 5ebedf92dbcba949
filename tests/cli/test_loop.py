"""attune loop: reviews become an adapter and an arm with a small share, one at a time, and people decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import Attune

from attune.adapters.record import read
from attune.cli.looping import Loop
from attune.config import Config
from attune.desk.roles import Role
from attune.desk.ruling import Approve
from attune.outcome import Outcome, Place
from attune.store import Input, Item, Store
from attune.tune.settings import Settings


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "attune.db")) as opened:
        opened.users.add("ann", Role.REVIEWER, "a long password", "test")
        yield opened


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    config = replace(Config(), adapters=str(tmp_path / "adapters"))
    return Loop(config, Settings(epochs=1, rank=2), "reviews", 0.1, least=4, margin=100, quiet=True)


def edited(store: Store, reviews: int, begin: int = 0) -> None:
    keys = [f"chat-{number}" for number in range(begin, begin + reviews)]
    inputs = [Input(key, f"{key:-<32}", key.encode(), key) for key in keys]
    store.settle((item, outcome(item)) for item in store.admit(inputs, "triage", "v1", "run", 60).items)
    for line in store.reviews.waiting():
        claimed = store.reviews.claim(line.number, "ann", 60.0)
        store.reviews.decide(claimed, Approve(f"A new one comes today, number {line.number}."), 10.0)


def outcome(item: Item) -> Outcome:
    turns = [{"role": "customer", "text": f"The lamp of order {item.key} came broken."}]
    chat = {"id": item.key, "user_id": item.key, "language": "en", "turns": turns}
    return Outcome(
        Place.REVIEW,
        item.key,
        item.digest,
        "triage",
        "v1",
        chat=chat,
        values={"sentiment": -1},
        draft="Sorry.",
    )


def test_a_round_makes_an_arm_of_new_reviews_and_waits_until_a_person_has_decided(
    store: Store, loop: Loop
) -> None:
    edited(store, 3)
    waiting = loop.round(store)
    assert (waiting.state, waiting.told) == ("waiting", "3 new examples from reviews; a round needs 4")

    edited(store, 1, begin=3)
    refused = replace(loop, margin=-1000).round(store)
    assert (refused.state, refused.arm) == ("refused", "reviews-1")
    assert "worse by more than" in refused.told
    assert store.arms.live() is None

    assert loop.round(store).state == "waiting", "what was tuned on is not new"
    edited(store, 4, begin=4)
    added = loop.round(store)
    assert (added.state, added.arm) == ("added", "reviews-2"), added.told
    split = store.arms.live()
    assert split is not None
    assert [(arm.name, arm.weight) for arm in split.arms] == [("base", 0.9), ("reviews-2", 0.1)]
    assert read(Path(loop.config.adapters) / "reviews-2").data.examples == 8
    change = store.arms.history()[0]
    assert (change.person, change.reason) == ("attune loop", "8 examples")

    edited(store, 4, begin=8)
    trial = loop.round(store)
    assert (trial.state, trial.arm) == ("trial", "reviews-2")
    assert trial.told.startswith("Not known yet"), "one arm is tried at a time"
    assert store.arms.live() == split, "nothing is promoted by itself"


def test_the_command_says_what_it_waits_for(attune: Attune, store: Store) -> None:
    edited(store, 2)
    told = attune("loop", "--store", str(attune.folder / "attune.db"), "--engine", "pocket")
    assert (told.code, told.lines) == (0, ["2 new examples from reviews; a round needs 20"]), told.err
    odd = attune("loop", "--every", "often")
    assert odd.code == 2
    assert "like 12h or 7d" in odd.err
