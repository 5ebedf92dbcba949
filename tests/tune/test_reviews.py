"""What reviewers did becomes examples and preferences, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.store.conftest import Worker

from attune.desk.roles import Role
from attune.desk.ruling import Approve, Reject
from attune.models import POCKET
from attune.outcome import Attempt, Outcome, Place
from attune.store import Input, Store
from attune.task import BUILT_IN, load
from attune.tune.base import Base
from attune.tune.examples import Example, Refused, Tasks
from attune.tune.pairs import pairs, thumbs
from attune.tune.reviews import from_reviews

TASKS = Tasks.of(load(BUILT_IN / "triage.toml"))
TEACHER = Base(POCKET).teacher
DRAFT = "We are sorry."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "attune.db")) as opened:
        opened.users.add("ann", Role.REVIEWER, "a long password", "test")
        yield opened


@pytest.fixture
def unhappy(store: Store) -> Callable[[str], int]:
    """Puts an unhappy chat with a draft into the store; its number."""

    def put(key: str) -> int:
        given = Input(key, f"{key:-<32}", key.encode(), f"chats.jsonl:{key}")
        (item,) = Worker(store, "run", 60.0).admit(given).items
        chat = {"id": key, "user_id": "1", "turns": [{"role": "customer", "text": f"{key} is late"}]}
        tried = (Attempt("triage", 0, "{}", "", 0.1),)
        values = {"sentiment": -1, "summary": "It is late."}
        outcome = Outcome(
            Place.REVIEW,
            key,
            item.digest,
            "triage",
            TASKS.read.version,
            chat=chat,
            values=values,
            draft=DRAFT,
            attempts=tried,
        )
        store.settle([(item, outcome)])
        return next(line.number for line in store.reviews.waiting() if line.key == key)

    return put


def decide(store: Store, number: int, ruling: Any) -> None:
    store.reviews.decide(store.reviews.claim(number, "ann", 60.0), ruling, 10.0)


def examples(store: Store) -> list[tuple[str, str, str]]:
    found = list(from_reviews(store, TASKS))
    assert all(isinstance(each, Example) for each in found), found
    return [(each.chat.id, each.task.name, each.said) for each in found if isinstance(each, Example)]


def test_approved_edited_and_corrected_become_examples(store: Store, unhappy: Callable[[str], int]) -> None:
    decide(store, unhappy("a"), Approve())
    decide(store, unhappy("b"), Approve("It comes today.", instruction="Be brief."))
    decide(store, unhappy("c"), Reject("wrong facts"))
    store.reviews.correct(unhappy("d"), "ann", {"sentiment": 0})
    unhappy("e")
    assert examples(store) == [
        ("a", "reply", DRAFT),
        ("b", "reply", "It comes today."),
        ("d", "triage", '{"sentiment": 0, "summary": "It is late."}'),
    ]
    asked = [each.task.cue for each in from_reviews(store, TASKS) if isinstance(each, Example)]
    assert asked[1] == "Reply to the customer. Be brief."


def test_what_was_saved_by_hand_is_an_example_of_its_task(store: Store) -> None:
    store.examples.save("reply", "polite", "Late again!", "We are very sorry.", "en", "ann")
    store.examples.save("other", "", "Late again!", "No.", "en", "ann")
    made, refused = from_reviews(store, TASKS)
    assert isinstance(made, Example)
    assert (made.said, made.chat.language, made.task.cue[-6:]) == ("We are very sorry.", "en", "polite")
    assert isinstance(refused, Refused)
    assert "the task other" in refused.why


def test_an_edit_is_preferred_to_its_draft(store: Store, unhappy: Callable[[str], int]) -> None:
    decide(store, unhappy("a"), Approve("It comes today."))
    decide(store, unhappy("b"), Approve())
    (made,) = pairs(store, TASKS, TEACHER)
    assert TEACHER.text(made.chosen) == "It comes today.<end_of_turn>"
    assert TEACHER.text(made.rejected) == f"{DRAFT}<end_of_turn>"
    assert "Customer: a is late" in TEACHER.text(made.prompt)
    assert made.name == "chat a"


def test_thumbs_are_decisions_and_where_there_is_none_stars(
    store: Store, unhappy: Callable[[str], int]
) -> None:
    decide(store, unhappy("a"), Approve())
    decide(store, unhappy("b"), Approve("It comes today."))
    decide(store, unhappy("c"), Reject("wrong tone"))
    for key, stars in (("d", 5), ("e", 3), ("f", 1)):
        store.reviews.rate(unhappy(key), "ann", stars)
    told = [(each.name[-1], TEACHER.text(each.answer), each.good) for each in thumbs(store, TASKS, TEACHER)]
    end = "<end_of_turn>"
    assert told == [
        ("a", DRAFT + end, True),
        ("b", DRAFT + end, False),
        ("b", "It comes today." + end, True),
        ("c", DRAFT + end, False),
        ("d", DRAFT + end, True),
        ("f", DRAFT + end, False),
    ]
