"""A reviewer's day in a real browser, by keyboard: claim, edit, approve, undo, reject, rate, lose a lease."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.desk.pages.conftest import DRAFT, PASSWORD, Place, Window

from attune.desk.ruling import Kind

pytestmark = pytest.mark.xdist_group("browser")
Open = Callable[..., Window]


def number_of(page: Page) -> int:
    found = re.search(r"/items/(\d+)", page.url)
    assert found, page.url
    return int(found[1])


def editor(page: Page) -> Page:
    expect(page.locator("#text")).to_be_visible()
    page.wait_for_load_state("load")  # what listens to keys and typing is there only then
    return page


def test_a_day_by_keyboard(place: Place, windows: Open) -> None:
    first, second, third = place.fill({"id": "1"}, {"id": "2"}, {"id": "3"})
    page = windows(person="").open("/")
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_title("(3) Queue · attune")
    page.wait_for_load_state("load")

    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/insight")
    expect(page.locator(".tile").filter(has_text="50 % sent")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url("**/")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    assert number_of(editor(page)) == first
    expect(page.locator("h1")).to_be_focused()

    page.keyboard.press("e")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type(" Ann")
    expect(page.locator("#changes ins")).to_contain_text("Ann")
    expect(page.get_by_role("button", name="Approve with edits")).to_be_visible()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/items/{second}")
    decision = place.store.reviews.item(first, "test").decision
    assert decision is not None
    assert (decision.kind, decision.text) == (Kind.EDITED, f"{DRAFT} Ann")

    expect(page.locator(".toast")).to_contain_text("Approved with edits")
    page.keyboard.press("u")
    page.wait_for_url(f"**/items/{first}")
    expect(page.locator("#text")).to_have_value(f"{DRAFT} Ann")
    assert place.store.reviews.item(second, "test").holder is None

    page.keyboard.press("r")
    page.get_by_label("Wrong tone").check()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/items/{second}")
    rejected = place.store.reviews.item(first, "test").decision
    assert rejected is not None
    assert (rejected.kind, rejected.reason) == (Kind.REJECTED, "wrong tone")

    page.keyboard.press("4")
    expect(page.locator("#rating [role=status]")).to_have_text("4 of 5, kept")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/items/{third}")
    done = place.store.reviews.item(second, "test")
    assert done.decision is not None
    assert (done.decision.kind, done.ratings) == (Kind.APPROVED, {"ann": 4})

    page.keyboard.press("h")
    page.locator("#choose-to").select_option("ben")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/")
    assert place.store.reviews.item(third, "test").assignee == "ben"
    expect(page).to_have_title("(1) Queue · attune")

    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/insight")
    decided = page.locator(".tile").filter(has_text="Decided")
    expect(decided).to_contain_text("2")
    expect(decided).to_contain_text("50 % sent")


def test_two_people_who_press_at_once_get_two_items(place: Place, windows: Open) -> None:
    numbers = place.fill(*({"id": str(n)} for n in range(6)))
    pages = [windows("ann").open(), windows("ben").open()]
    seen: list[int] = []
    for page in pages:
        page.keyboard.press("n")
    for _ in range(3):
        for page in pages:
            page.wait_for_url("**/items/*")
            seen.append(number_of(editor(page)))
        for page in pages:
            page.keyboard.press("Control+Enter")
        for page, before in zip(pages, seen[-2:], strict=True):
            page.wait_for_url(re.compile(rf"/items/(?!{before}$)|/$"))
    decided = [place.store.reviews.item(number, "test").decision for number in numbers]
    assert sorted(seen) == numbers
    assert sorted(made.person for made in decided if made) == ["ann"] * 3 + ["ben"] * 3


def test_a_lease_lost_while_typing_keeps_the_text_and_says_who_has_it(place: Place, windows: Open) -> None:
    (number,) = place.fill({"id": "1"})
    page = windows().open()
    page.keyboard.press("n")
    editor(page).locator("#text").fill("My own long words.")
    expect(page.locator("#saved")).to_have_text("Kept")
    place.store.reviews.assign(number, "ben", "lea")
    place.store.reviews.claim(number, "ben", 60)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#refusal")).to_contain_text("ben has the item now")
    expect(page.get_by_label("What you wrote")).to_have_value("My own long words.")
    expect(page.get_by_role("button", name="Take the oldest")).to_be_visible()
    assert place.store.reviews.item(number, "test").decision is None


def test_a_lease_that_ran_out_is_the_persons_again_when_nobody_took_the_item(
    place: Place, windows: Open
) -> None:
    (number,) = place.fill({"id": "1"})
    page = windows().open()
    page.keyboard.press("n")
    editor(page)
    place.store.reviews.renew(place.store.reviews.claim(number, "ann", 60), 0.0)
    page.locator("#text").fill("Still mine.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/")
    decision = place.store.reviews.item(number, "test").decision
    assert decision is not None
    assert decision.text == "Still mine."


def test_a_draft_that_the_chat_overtook_is_not_sent_by_accident(place: Place, windows: Open) -> None:
    (number,) = place.fill({"id": "1", "user_id": "7"})
    page = windows().open()
    page.keyboard.press("n")
    editor(page).locator("#text").fill("We will call at noon.")
    place.fill({"id": "2", "user_id": "7", "text": "I was called. All is well."})
    page.keyboard.press("Control+Enter")
    box = page.get_by_label("I have seen that a later chat of the same customer has come in")
    expect(box).not_to_be_checked()
    expect(page.locator("#text")).to_have_value("We will call at noon.")
    page.keyboard.press("Control+Enter")
    assert place.store.reviews.item(number, "test").decision is None
    box.check()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(rf"/items/(?!{number})"))
    decision = place.store.reviews.item(number, "test").decision
    assert decision is not None
    assert decision.text == "We will call at noon."


def test_what_happens_to_an_item_elsewhere_is_told_on_its_open_page(place: Place, windows: Open) -> None:
    (number,) = place.fill({"id": "1", "user_id": "7"})
    page = windows().open()
    page.keyboard.press("n")
    editor(page).locator("#text").fill("We will call at noon.")
    expect(page.locator("#saved")).to_have_text("Kept")
    before = place.audit(number)
    place.fill({"id": "2", "user_id": "7", "text": "I was called. All is well."})
    expect(page.locator("#stale")).to_be_visible(timeout=6000)
    expect(page.locator("#live")).to_have_text("This draft may be out of date")
    assert page.locator("#stale a").get_attribute("href") == "/search?user=7"
    page.locator("#ack-newer_chat").check()
    place.store.reviews.rate(number, "ben", 2)
    place.store.reviews.claim(number, "ann", 60)
    page.wait_for_timeout(4000)
    expect(page.locator("#ack-newer_chat")).to_be_checked()
    assert place.audit(number)[len(before) :] == ["ben rated", "ann claimed"], "looking leaves no record"
    place.store.reviews.assign(number, "ben", "lea")
    expect(page.locator("#lost")).to_contain_text("ben has the item now", timeout=6000)
    expect(page.locator("#text")).to_have_value("We will call at noon.")


def test_a_reload_goes_on_where_the_person_was(place: Place, windows: Open) -> None:
    (number,) = place.fill({"id": "1"})
    page = windows().open()
    page.keyboard.press("n")
    editor(page).locator("#text").fill("Half a sen")
    page.reload()
    expect(editor(page).locator("#text")).to_have_value("Half a sen")
    assert place.store.reviews.item(number, "test").holder == "ann"
    page.goto("about:blank")
    page.wait_for_timeout(200)
    until = place.store.reviews.item(number, "test").until
    assert until is not None
    assert until - place.store.reviews.claim(number, "ann", 600).until < -500


def test_drafting_again_replaces_the_draft_and_keeps_the_instruction(place: Place, windows: Open) -> None:
    (number,) = place.fill({"id": "1"})
    page = windows().open()
    page.keyboard.press("n")
    editor(page).keyboard.press("d")
    page.keyboard.type("offer a <call> tomorrow")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#text")).to_have_value("Again: offer a ‹call› tomorrow.")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/")
    decision = place.store.reviews.item(number, "test").decision
    assert decision is not None
    assert (decision.kind, decision.instruction) == (Kind.APPROVED, "offer a <call> tomorrow")


def test_phrases_corrections_and_a_translation(place: Place, windows: Open) -> None:
    (number,) = place.fill({"id": "1", "language": "de", "text": "Die Suppe war kalt."})
    page = windows().open()
    page.keyboard.press("n")
    editor(page).locator("#text").fill("Guten Tag. ")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.get_by_role("button", name="Dank").click()
    expect(page.locator("#text")).to_have_value("Guten Tag. Danke.")
    page.get_by_role("button", name="Neutral").click()
    expect(page.locator("#facts")).to_contain_text("by ann; the model said: Unhappy")
    expect(page.get_by_role("button", name="Neutral")).to_be_focused()
    page.get_by_label("About").fill("Cold soup")
    page.keyboard.press("Enter")
    expect(page.locator("#facts")).to_contain_text("by ann; the model said: Die Suppe war kalt.")
    assert place.store.reviews.item(number, "test").values == {"sentiment": 0, "summary": "Cold soup"}
    page.get_by_role("button", name="Translate").click()
    expect(page.locator("#translation")).to_contain_text("The soup was cold.")
    expect(page.locator(".thread")).to_contain_text("Die Suppe war kalt.")


def test_new_items_come_up_by_themselves_and_focus_stays(place: Place, windows: Open) -> None:
    place.fill({"id": "1"}, {"id": "2"})
    page = windows().open()
    page.keyboard.press("j")
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.id")
    place.fill({"id": "3"})
    expect(page).to_have_title("(3) Queue · attune")
    assert page.evaluate("document.activeElement.id") == focused
    assert page.locator("#lines .row").count() == 3


def test_the_keys_of_a_page_are_told_and_can_be_turned_off(place: Place, windows: Open) -> None:
    place.fill({"id": "1"})
    page = windows().open()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys of this page")
    expect(dialog).to_contain_text("Take the oldest")
    expect(dialog).to_contain_text("The next in the list")
    dialog.get_by_label("Turn single keys off").check()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_timeout(200)
    assert "/items/" not in page.url
