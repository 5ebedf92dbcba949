"""Review items in people's hands: claimed, kept, decided once, undone, and never held by two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from tests.store import races

from attune.desk.refusal import (
    Decided,
    GoneOut,
    LeaseLost,
    Refused,
    SavedElsewhere,
    Stale,
    StaleReason,
    Taken,
)
from attune.desk.ruling import Approve, Kind, Reject
from attune.outcome import Place
from attune.store import Input, Store
from attune.store.desk.lease import Hand, Lease
from attune.store.desk.queue import Wanted
from attune.store.desk.sorts import Sorts

Make = Callable[..., Any]
UNDO_S = 10.0
DRAFT = "We are sorry."


@pytest.fixture
def items(store: Store, given: Callable[..., Input], worker: Make, ended: Make) -> Callable[..., list[int]]:
    """Puts review items into the store and gives their numbers, oldest first."""

    def make(*keys: str, **fields: Any) -> list[int]:
        taken = worker().admit(*(given(key) for key in keys)).items
        by = {name: fields.pop(name) for name in ("model", "arm") if name in fields}
        pairs = []
        for item in taken:
            chat = {"id": item.key, "user_id": f"user {item.key}", "turns": [], **fields}
            pairs.append(ended(item, Place.REVIEW, chat=chat, **by))
        store.settle(pairs)
        return [line.number for line in store.reviews.waiting() if line.key in keys]

    return make


@pytest.fixture(autouse=True)
def counted(store: Store) -> Iterator[None]:
    """Whatever a test does, the sums of open items are what is open."""
    yield
    sorts = "COALESCE(language, ''), COALESCE(channel, ''), model, arm"
    there = text(f"SELECT {sorts}, COUNT(*) FROM reviews WHERE status = 'open' GROUP BY 1, 2, 3, 4")
    sums = text("SELECT language, channel, model, arm, n FROM open_items WHERE n <> 0")
    opened = store._database.read(lambda connection: connection.execute(there).all())
    kept = store._database.read(lambda connection: connection.execute(sums).all())
    assert sorted(map(tuple, opened)) == sorted(map(tuple, kept))


def lease(store: Store, number: int, person: str = "ann", lease_s: float = 60.0) -> Lease:
    return store.reviews.claim(number, person, lease_s)


def outbox(store: Store) -> list[dict[str, Any]]:
    query = text("SELECT reply, state, tries, owner FROM outbox ORDER BY id")
    return [dict(row) for row in store._database.read(lambda c: c.execute(query).mappings().all())]


def test_the_queue_is_read_in_pages_oldest_first(store: Store, items: Make) -> None:
    numbers = items("a", "b", "c", "d", "e")
    first = store.reviews.waiting(limit=2)
    rest = store.reviews.waiting(after=first[-1].number)
    assert [line.key for line in (*first, *rest)] == ["a", "b", "c", "d", "e"]
    assert [line.number for line in (*first, *rest)] == sorted(numbers)
    assert first[0].values == {"sentiment": -1}
    assert 0 <= first[-1].waits_s <= first[0].waits_s < 60


def test_the_queue_can_be_filtered(store: Store, items: Make) -> None:
    items("a", language="ko", channel="mail", model="small", arm="base")
    items("b", language="en", channel="mail", model="small", arm="base")
    items("c", language="en", model="large", arm="b")
    for which, keys in (
        (Wanted(language="en"), ["b", "c"]),
        (Wanted(channel="mail"), ["a", "b"]),
        (Wanted(model="small", language="ko"), ["a"]),
        (Wanted(arm="b"), ["c"]),
        (Wanted(arm="none"), []),
        (Wanted(waits_s=3600), []),
        (Wanted(waits_s=0, channel="mail"), ["a", "b"]),
    ):
        assert [line.key for line in store.reviews.waiting(which)] == keys, which
        found = store.reviews.waits("ann", which)
        assert (found.open, found.oldest_s is None) == (len(keys), not keys), which
    assert [(line.model, line.arm) for line in store.reviews.waiting()][1:] == [
        ("small", "base"),
        ("large", "b"),
    ]
    sorts = store.reviews.sorts()
    assert sorts == Sorts(("en", "ko"), ("mail",), ("large", "small"), ("b", "base"))
    taken = store.reviews.claim_next("ann", 60, Wanted(arm="b"))
    assert taken is not None
    assert taken.number == store.reviews.waiting()[-1].number


def test_counts_tell_free_from_held_from_mine(store: Store, items: Make) -> None:
    a, b, _, _ = items("a", "b", "c", "d")
    lease(store, a, "ann")
    lease(store, b, "bob")
    found = store.reviews.waits("ann")
    assert (found.open, found.free, found.held, found.mine) == (4, 2, 2, 1)
    assert [line.key for line in store.reviews.waiting(Wanted(free_for="ann"))] == ["a", "c", "d"]
    assert [line.key for line in store.reviews.waiting(Wanted(held_by="bob"))] == ["b"]


def test_the_change_number_grows_with_chats_and_acts(store: Store, items: Make) -> None:
    before = store.reviews.change()
    (a,) = items("a")
    chats = store.reviews.change()
    lease(store, a)
    assert before < chats < store.reviews.change()


def test_an_item_that_one_holds_is_refused_to_others_by_name(store: Store, items: Make) -> None:
    (a,) = items("a")
    held = lease(store, a, "ann")
    with pytest.raises(Taken, match="ann has this item now") as refused:
        lease(store, a, "bob")
    assert refused.value.until == pytest.approx(held.until, abs=1)
    assert store.reviews.claim_next("bob", 60) is None
    assert lease(store, a, "ann").token == held.token


def test_an_item_given_back_is_free_at_once(store: Store, items: Make) -> None:
    (a,) = items("a")
    held = lease(store, a, "ann")
    assert store.reviews.give_back(held)
    assert not store.reviews.give_back(held)
    assert store.reviews.claim_next("bob", 60) is not None


def test_the_next_item_is_the_oldest_free_one_that_fits(store: Store, items: Make) -> None:
    items("a", language="ko")
    _, c = items("b", "c", language="en")
    lease(store, c - 1, "bob")
    found = store.reviews.claim_next("ann", 60, Wanted(language="en"))
    assert found is not None
    assert found.number == c


def test_a_lease_that_ran_out_still_decides_while_nobody_took_the_item(store: Store, items: Make) -> None:
    (a,) = items("a")
    held = lease(store, a, lease_s=-1)
    assert store.reviews.waits("bob").free == 1
    assert store.reviews.renew(held, 60).until > held.until
    assert store.reviews.decide(held, Approve(), UNDO_S).kind is Kind.APPROVED


def test_a_lost_lease_is_told_with_who_has_the_item_and_the_text_is_kept(store: Store, items: Make) -> None:
    (a,) = items("a")
    old = lease(store, a, "ann", lease_s=-1)
    store.reviews.save(a, "ann", "Dear customer", 0)
    lease(store, a, "bob")
    for act in (
        lambda: store.reviews.decide(old, Approve(), UNDO_S),
        lambda: store.reviews.renew(old, 60),
    ):
        with pytest.raises(LeaseLost, match=r"bob has the item now\. Your text is kept"):
            act()
    kept = store.reviews.saved(a, "ann")
    assert kept is not None
    assert kept.text == "Dear customer"
    assert outbox(store) == []


def test_a_text_saved_in_two_windows_is_not_overwritten(store: Store, items: Make) -> None:
    (a,) = items("a")
    first = store.reviews.save(a, "ann", "one", 0)
    second = store.reviews.save(a, "ann", "two", first)
    assert store.reviews.save(a, "ann", "two", first) == second  # the same again: its answer was lost
    for old in (0, first):
        with pytest.raises(SavedElsewhere) as refused:
            store.reviews.save(a, "ann", "three", old)
    assert (refused.value.text, refused.value.version) == ("two", second)


def test_a_reply_approved_as_it_is_goes_to_the_outbox(store: Store, items: Make) -> None:
    (a,) = items("a", channel="mail", language="en")
    made = store.reviews.decide(lease(store, a), Approve("We are sorry.\r\n"), UNDO_S)
    assert (made.kind, made.text, made.distance, made.units) == (Kind.APPROVED, DRAFT, 0, 4)
    (record,) = outbox(store)
    assert record["state"] == "waiting"
    assert '"reply":"We are sorry."' in str(record["reply"]).replace("': '", '":"').replace("'", '"')
    assert store.reviews.waiting() == ()
    assert store.reviews.item(a, "ann").status == "approved"


def test_an_edit_is_kept_beside_the_draft_with_its_distance(store: Store, items: Make) -> None:
    (a,) = items("a")
    made = store.reviews.decide(lease(store, a), Approve("We are very sorry."), UNDO_S)
    assert (made.kind, made.draft, made.distance) == (Kind.EDITED, DRAFT, 1)


def test_an_edit_is_measured_against_the_draft_that_was_written_again(store: Store, items: Make) -> None:
    (a,) = items("a")
    ruling = Approve("Thank you, Kim.", draft="Thank you.", instruction="thank them")
    made = store.reviews.decide(lease(store, a), ruling, UNDO_S)
    assert (made.draft, made.instruction, made.distance) == ("Thank you.", "thank them", 2)


def test_a_rejection_says_why_and_sends_nothing(store: Store, items: Make) -> None:
    (a,) = items("a")
    made = store.reviews.decide(lease(store, a), Reject("wrong facts", "no refund was promised"), UNDO_S)
    assert (made.kind, made.reason, made.words) == (Kind.REJECTED, "wrong facts", "no refund was promised")
    assert outbox(store) == []
    assert store.reviews.item(a, "ann").status == "rejected"


@pytest.mark.parametrize("ruling", [Approve("  \r\n "), Approve("x" * 30_000), Reject(" ")])
def test_what_cannot_be_sent_is_refused_and_changes_nothing(store: Store, items: Make, ruling: Any) -> None:
    (a,) = items("a")
    held = lease(store, a)
    with pytest.raises(Refused):
        store.reviews.decide(held, ruling, UNDO_S)
    assert store.reviews.item(a, "ann").status == "open"
    assert store.reviews.decide(held, Approve(), UNDO_S).kind is Kind.APPROVED


def test_a_double_click_decides_once(store: Store, items: Make) -> None:
    (a,) = items("a")
    held = lease(store, a)
    first = store.reviews.decide(held, Approve(), UNDO_S)
    assert store.reviews.decide(held, Approve("Something else"), UNDO_S) == first
    assert len(outbox(store)) == 1
    stranger = Hand(a, "bob", held.token)
    with pytest.raises(Decided, match="ann has decided this item already: approved"):
        store.reviews.decide(stranger, Approve(), UNDO_S)


def test_undo_takes_the_reply_out_of_the_outbox_and_gives_the_item_back(store: Store, items: Make) -> None:
    (a,) = items("a")
    made = store.reviews.decide(lease(store, a), Approve("Very sorry."), UNDO_S)
    again = store.reviews.undo(made.id, "ann", 60, UNDO_S)
    assert outbox(store) == []
    kept = store.reviews.saved(a, "ann")
    assert kept is not None
    assert kept.text == "Very sorry."
    with pytest.raises(Taken):
        lease(store, a, "bob")
    assert store.reviews.decide(again, Reject("other"), UNDO_S).kind is Kind.REJECTED
    with pytest.raises(GoneOut):
        store.reviews.undo(made.id, "ann", 60, UNDO_S)


def test_undo_comes_too_late_once_a_sender_has_the_reply(store: Store, items: Make) -> None:
    a, b = items("a", "b")
    made = store.reviews.decide(lease(store, a), Approve(), 0)
    store._database.write(lambda c: c.execute(text("UPDATE outbox SET owner = 'sender'")))
    with pytest.raises(GoneOut, match="cannot be undone any more"):
        store.reviews.undo(made.id, "ann", 60, UNDO_S)
    rejected = store.reviews.decide(lease(store, b), Reject("other"), UNDO_S)
    with pytest.raises(GoneOut):
        store.reviews.undo(rejected.id, "ann", 60, undo_s=-1)
    assert len(outbox(store)) == 1


def test_a_later_chat_of_the_same_customer_makes_a_draft_stale(
    store: Store, items: Make, given: Make, worker: Make, ended: Make
) -> None:
    (a,) = items("a")
    (later,) = worker().admit(given("z")).items
    store.settle([ended(later, Place.TABLE, chat={"id": "z", "user_id": "user a", "turns": []})])
    held = lease(store, a)
    assert store.reviews.item(a, "ann").stale == (StaleReason.NEWER_CHAT,)
    with pytest.raises(Stale, match="a later chat of the same customer") as refused:
        store.reviews.decide(held, Approve(), UNDO_S)
    assert outbox(store) == []
    made = store.reviews.decide(held, Approve(acknowledged=refused.value.reasons), UNDO_S)
    assert made.kind is Kind.APPROVED


@pytest.mark.parametrize("settled", [True, False])
def test_the_same_id_with_other_words_makes_a_draft_stale(
    store: Store, items: Make, given: Make, worker: Make, ended: Make, settled: bool
) -> None:
    (a,) = items("a")
    other = given("a", "other words")
    if settled:
        (second,) = worker().admit(other).items
        assert second.conflict
        store.settle([ended(second, Place.DEAD, reason="duplicate_id")])
    else:
        store.enqueue([other])
    with pytest.raises(Stale, match="the same chat has come in again with other words"):
        store.reviews.decide(lease(store, a), Approve(), UNDO_S)
    assert store.reviews.decide(lease(store, a), Reject("other"), UNDO_S).kind is Kind.REJECTED


def test_two_versions_of_a_task_do_not_answer_one_chat_twice_by_accident(
    store: Store, items: Make, given: Make, ended: Make
) -> None:
    (a,) = items("a")
    (again,) = store.admit([given("a")], "triage", "v2", "ann", 60).items
    item, outcome = ended(again, Place.REVIEW, key="a")
    store.settle([(item, replace(outcome, task_version="v2"))])
    b = max(line.number for line in store.reviews.waiting())
    assert store.reviews.item(a, "ann").stale == (StaleReason.READ_AGAIN,)
    store.reviews.decide(lease(store, b), Approve(), UNDO_S)
    with pytest.raises(Stale, match="approved before"):
        store.reviews.decide(lease(store, a), Approve(acknowledged=[StaleReason.READ_AGAIN]), UNDO_S)


def test_corrections_and_ratings_stand_beside_what_the_model_said(store: Store, items: Make) -> None:
    (a,) = items("a")
    store.reviews.correct(a, "ann", {"sentiment": 0})
    store.reviews.correct(a, "bob", {"sentiment": 1})
    store.reviews.rate(a, "ann", 2)
    store.reviews.rate(a, "ann", 4)
    found = store.reviews.item(a, "ann")
    assert (found.outcome.values["sentiment"], found.values["sentiment"]) == (-1, 1)
    assert [each.person for each in found.corrections] == ["ann", "bob"]
    assert found.ratings == {"ann": 4}
    with pytest.raises(Refused, match="1 to 5"):
        store.reviews.rate(a, "ann", 6)


def test_of_many_people_one_gets_an_item_and_one_decides_it(address: str) -> None:
    races.run(address, 25)


def test_every_act_is_in_the_audit(store: Store, items: Make) -> None:
    (a,) = items("a")
    store.reviews.item(a, "ann")
    made = store.reviews.decide(lease(store, a), Approve("Sorry!"), UNDO_S)
    store.reviews.undo(made.id, "ann", 60, UNDO_S)
    acts = [(record.person, record.act) for record in store.audit.records(f"chat:{a}")]
    assert acts == [("ann", "saw"), ("ann", "claimed"), ("ann", "edited"), ("ann", "undone")]
    assert store.audit.verify().fault == ""
