"""Figures, search and examples: what they show is what happened, whatever the language."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from attune.desk.roles import Role
from attune.desk.ruling import Approve, Reject
from attune.outcome import Place
from attune.store import Store
from attune.store.desk.insight import Frame
from attune.store.desk.search import Look
from attune.store.desk.words import terms, words

Make = Callable[..., Any]
SAID = {
    "ko": "환불이 아직 안 됐어요. 너무 화가 납니다!",
    "ja": "返品したのに返金されていません。対応が遅すぎます。",
    "zh": "我的订单还没有收到，请退款。",
    "th": "ยังไม่ได้รับเงินคืนเลยครับ",
    "de": "Meine Rückerstattung fehlt, das ist ärgerlich.",
    "en": "Still waiting for my refund, order A-1182.",
}


@pytest.fixture
def chats(store: Store, given: Make, worker: Make, ended: Make) -> dict[str, int]:
    """An unhappy chat in each language at the desk, and five happy ones in the table; folded in."""
    items = worker().admit(*(given(key) for key in (*SAID, "t1", "t2", "t3", "t4", "t5"))).items
    pairs = []
    for item in items:
        turns = [{"role": "customer", "text": SAID.get(item.key, "")}]
        chat = {"id": item.key, "user_id": f"u-{item.key}", "turns": turns, "channel": "mail"}
        if item.key in SAID:
            pairs.append(ended(item, Place.REVIEW, chat=chat | {"language": item.key}, model="m", arm="b"))
        else:
            pairs.append(ended(item, Place.TABLE, chat=chat | {"language": "en"}, model="m", arm="b"))
    store.settle(pairs)
    assert store.insight.behind() == 11
    assert store.insight.fold() == 0
    assert store.insight.fold() == 0
    return {line.key: line.number for line in store.reviews.waiting()}


def frame(**which: Any) -> Frame:
    return Frame(time.time() - 86_400, time.time() + 86_400, **which)


def decide(store: Store, number: int, ruling: Any) -> Any:
    return store.reviews.decide(store.reviews.claim(number, "ann", 60), ruling, 10)


@pytest.mark.parametrize(
    ("look", "found"),
    [
        ("환불", "ko"), ("불이", "ko"), ("화", "ko"), ("返金", "ja"), ("遅すぎ", "ja"), ("金", "ja"),
        ("退款", "zh"), ("เงินคืน", "th"), ("ruckerstattung", "de"), ("RÜCK", "de"), ("refund", "en"),
        ("a-1182", "en"), ("refu order", "en"), ("u-ko", "ko"), ("返品 返金", "ja"),
    ],
)  # fmt: skip
def test_words_are_found_in_any_language(store: Store, chats: dict[str, int], look: str, found: str) -> None:
    assert [each.number for each in store.insight.search(Look(look))] == [chats[found]]


@pytest.mark.parametrize(
    "look", ["금환", "refund 환불", "fund", "未着", "'; --", '" NOT "', "NEAR(", ":*", "&|!"]
)
@pytest.mark.usefixtures("chats")
def test_what_is_not_there_is_not_found_and_no_word_is_a_command(store: Store, look: str) -> None:
    assert store.insight.search(Look(look)) == ()


@pytest.mark.parametrize("keep", [True, False])
def test_words_of_a_table_row_are_found_unless_the_store_keeps_none(
    address: str, store: Store, given: Make, worker: Make, ended: Make, keep: bool
) -> None:
    said = {"id": "t", "user_id": "u", "turns": [{"role": "customer", "text": "Lovely teapot!"}]}
    item = worker().admit(given("t")).items[0]
    with Store.open(address, keep_chats=keep) as writing:
        writing.settle([ended(item, Place.TABLE, chat=said, model="m")])
    store.insight.fold()
    found = store.insight.search(Look("teapot"))
    assert [each.outcome.key for each in found] == ["t"] * keep
    number = store.insight.search(Look(user_id="u"))[0].number
    assert store.insight.way(number).chat == (said if keep else None)


def test_facts_narrow_a_search_and_pages_follow_each_other(store: Store, chats: dict[str, int]) -> None:
    look = store.insight.search
    assert {each.outcome.key for each in look(Look(language="en"))} == {"en", "t1", "t2", "t3", "t4", "t5"}
    assert [each.outcome.key for each in look(Look("refund", language="ko"))] == []
    assert [each.outcome.key for each in look(Look(language="en", place="review"))] == ["en"]
    assert len(look(Look(sentiment="-1"))) == 6
    assert [each.number for each in look(Look(user_id="u-ja"))] == [chats["ja"]]
    for which in (Look(language="en"), Look()):
        every = look(which)
        first = look(which, limit=4)
        assert [*first, *look(which, before=first[-1].number)] == list(every)
        assert [each.number for each in every] == sorted((each.number for each in every), reverse=True)


@pytest.mark.usefixtures("chats")
def test_volume_is_counted_by_sentiment_language_and_time(store: Store) -> None:
    (unhappy, happy) = store.insight.over_time("chat", frame())
    assert [(unhappy.value, unhappy.n), (happy.value, happy.n)] == [("-1", 6), ("1", 5)]
    assert sum(each.n for each in store.insight.over_time("chat", frame(span="hour"))) == 11
    by = {(each.group, each.value): each.n for each in store.insight.by("language", "chat", frame())}
    assert by["en", "1"] == 5
    assert by["ko", "-1"] == 1
    assert store.insight.over_time("chat", frame(channel="phone")) == ()


def test_decisions_are_counted_and_an_undone_one_is_not(store: Store, chats: dict[str, int]) -> None:
    decide(store, chats["ko"], Approve())
    decide(store, chats["ja"], Approve("We are very sorry."))
    decide(store, chats["en"], Reject("wrong tone"))
    made = decide(store, chats["de"], Reject("other"))
    store.reviews.undo(made.id, "ann", 60, 10)
    found = {each.value: (each.n, each.total) for each in store.insight.by("model", "decision", frame())}
    assert found == {"approved": (1, 0), "edited": (1, 1), "rejected": (1, 0)}
    (reason,), (edit,) = (
        store.insight.by("model", "reason", frame()),
        store.insight.by("model", "edit", frame()),
    )
    assert (reason.value, reason.n, edit.value, edit.n) == ("wrong tone", 1, "5", 1)
    assert [(each.group, each.n) for each in store.insight.by("arm", "reason", frame(arm="b"))] == [("b", 1)]
    assert store.insight.by("arm", "decision", frame(arm="other")) == ()
    waited = store.insight.waiting_s("decide_s", frame())
    assert set(waited) == {50, 90}
    assert 0 < waited[50] <= waited[90] < 600


def test_ratings_are_counted_once_a_person(store: Store, chats: dict[str, int]) -> None:
    for stars in (1, 5, 4):
        store.reviews.rate(chats["ko"], "ann", stars)
    store.reviews.rate(chats["ko"], "bob", 4)
    assert [(each.value, each.n) for each in store.insight.over_time("rating", frame())] == [("4", 2)]


def test_a_chats_whole_way_is_told(store: Store, chats: dict[str, int]) -> None:
    made = decide(store, chats["ko"], Approve("죄송합니다."))
    store.reviews.correct(chats["ko"], "ann", {"sentiment": 0})
    found = store.insight.way(chats["ko"])
    assert found.chat is not None
    assert found.chat["turns"][0]["text"] == SAID["ko"]
    assert found.decisions == (made,)
    assert [each.state for each in found.deliveries] == ["waiting"]
    assert [each.act for each in found.records] == ["claimed", "edited", "corrected"]
    table_row = store.insight.search(Look(sentiment="1"))[0].number
    happy = store.insight.way(table_row)
    assert happy.chat is not None
    assert happy.chat["id"] == happy.outcome.key
    assert happy.draft is None


def test_what_people_taught_can_be_read(store: Store, chats: dict[str, int]) -> None:
    decide(store, chats["ko"], Approve("죄송합니다.", instruction="short"))
    decide(store, chats["en"], Reject("wrong facts"))
    undone = decide(store, chats["de"], Approve())
    store.reviews.undo(undone.id, "ann", 60, 10)
    store.reviews.correct(chats["ja"], "ann", {"summary": "返金"})
    store.reviews.rate(chats["zh"], "ann", 5)
    every = {example.outcome.key: example for example in store.examples.read()}
    assert set(every) == {"ko", "en", "ja", "zh"}
    edited = every["ko"].decision
    assert edited is not None
    assert (edited.draft, edited.text, edited.instruction) == ("We are sorry.", "죄송합니다.", "short")
    assert every["ja"].corrected == {"summary": "返金"}
    assert every["zh"].ratings == {"ann": 5}
    assert [each.outcome.key for each in store.examples.read("edited")] == ["ko"]
    assert [each.outcome.key for each in store.examples.read("rejected")] == ["en"]


def test_an_example_saved_by_hand_is_kept(store: Store) -> None:
    store.users.add("ann", Role.REVIEWER, "a long password", "test")
    first = store.examples.save("reply", "polite", "a mail", "an answer", "en", "ann")
    (saved,) = store.examples.saved()
    assert (saved.id, saved.input, saved.output, saved.person) == (first, "a mail", "an answer", "ann")
    assert store.examples.saved(after=first) == ()


def test_words_are_cut_the_same_way_for_text_and_query() -> None:
    assert words("환불이 A-1182, Café") == ["환불", "불이", "이", "a", "1182", "cafe"]
    assert terms("환불이 caf") == [["환불", "불이"], ["caf"]]
    assert terms("불") == [["불"]]
