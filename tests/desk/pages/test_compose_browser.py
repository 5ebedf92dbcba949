"""The compose page in a real browser: words stream in, are stopped, edited, copied, kept; nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect
from tests.desk.pages.conftest import DRAFT, PASSWORD, Place, Window, cookie_of, said, served
from tests.desk.pages.paced import PacedEngine, two_arms
from tests.desk.pages.test_access import check

from attune.pages.desk import Desk
from attune.pages.drafting import Drafting
from attune.request import Request

pytestmark = pytest.mark.xdist_group("browser")
Open = Callable[..., Window]
STATE = "[data-side=first] [data-state]"
HARD = "</textarea><script>document.title='theirs'</script><img src=x onerror=\"document.title='theirs'\">"


def echo(request: Request) -> str:
    """Long for a text that asks for it, else what the desk's model says; hard words come back."""
    text = " ".join(request.prompt.lines)
    if HARD in text and request.task == "reply":
        return HARD
    times = 400 if "a long story" in text else 50 if "a story" in text else 0
    return "word " * times if times else said(request)


@pytest.fixture
def place(here: Place) -> Iterator[Place]:
    """The desk with a model that writes word by word."""
    act = replace(here.desk.drafting.act, engine=PacedEngine(echo, 0.01))
    desk = Desk(here.store, Drafting(act, here.desk.drafting.translate), here.desk.settings)
    with served(desk) as address:
        yield Place(desk, address)


def test_a_letter_is_answered_edited_copied_and_kept_by_keyboard(place: Place, windows: Open) -> None:
    page = windows(permissions=["clipboard-read", "clipboard-write"]).open("/compose")
    page.keyboard.press("e")
    page.keyboard.type("My lamp is broken.")
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    page.keyboard.type("be kind")
    page.keyboard.press("Control+Enter")
    output = page.get_by_label("The answer, to edit")
    expect(output).to_have_value("Again: be kind.")
    expect(page.locator(STATE)).to_contain_text("Written by paced")
    output.press("End")
    output.type(" Ann")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.locator(STATE)).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "Again: be kind. Ann"
    page.keyboard.press("s")
    expect(page.locator(STATE)).to_contain_text("Saved as example 1, in English")
    (kept,) = place.store.examples.saved()
    assert (kept.input, kept.instruction, kept.output) == (
        "My lamp is broken.",
        "be kind",
        "Again: be kind. Ann",
    )


def test_an_answer_can_be_stopped_and_what_was_written_stays(windows: Open) -> None:
    page = windows().open("/compose")
    page.locator("#text").fill("a long story")
    page.keyboard.press("Control+Enter")
    output = page.get_by_label("The answer, to edit")
    expect(output).not_to_have_value("")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(STATE)).to_have_text("Stopped; what was written is here.")
    stopped = output.input_value()
    assert 0 < stopped.count("word") < 400
    page.wait_for_timeout(100)
    assert output.input_value() == stopped
    assert output.is_editable()


def test_two_answers_side_by_side_and_two_windows_apart(windows: Open) -> None:
    page, other = windows("ann").open("/compose"), windows("ben").open("/compose")
    page.keyboard.press("2")
    page.locator("#text").fill("My lamp is broken.")
    other.locator("#text").fill("a story")
    other.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")
    for side in ("The answer", "Another answer"):
        expect(page.get_by_label(f"{side}, to edit")).to_have_value(DRAFT)
    expect(other.get_by_label("The answer, to edit")).to_have_value(("word " * 50).strip())
    page.reload()
    expect(page.locator("#text")).to_have_value("My lamp is broken.")
    expect(page.get_by_label("Another answer, to edit")).to_have_value(DRAFT)
    page.set_viewport_size({"width": 1440, "height": 900})
    check(page, "two answers")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    check(page, "two answers on a phone")


def test_two_arms_answer_side_by_side_while_they_write(here: Place, chromium: Browser) -> None:
    arms = two_arms(echo, 0.01)
    with served(Desk(here.store, Drafting(arms), here.desk.settings)) as address:
        place = Place(here.desk, address)
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        session = here.store.sessions.login("ann", PASSWORD, "test", 3600)
        context.add_cookies([cookie_of(session.token, place)])
        page = context.new_page()
        page.goto(f"{address}/compose")
        expect(page.locator("#ask")).to_contain_text("2 arms answer here")
        page.keyboard.press("2")
        page.locator("#text").fill("a story")
        page.keyboard.press("Control+Enter")
        left, right = (page.get_by_label(f"{side}, to edit") for side in ("The answer", "Another answer"))
        for side, model in ((left, "small"), (right, "tuned")):
            expect(side).to_have_value(re.compile(f"^{model}: word"))
        assert left.input_value().count("word") < 50, "both came in while they were written"
        expect(left).to_have_value(f"small: {'word ' * 50}".strip())
        expect(right).to_have_value(f"tuned: {'word ' * 50}".strip())
        expect(page.locator("[data-side=second] [data-state]")).to_contain_text("Written by tuned")
        page.locator("[data-side=second] select").select_option("base freer")
        page.reload()
        expect(page.locator("[data-side=second] select")).to_have_value("base freer")
        check(page, "two arms")
        context.close()


def test_the_first_request_is_not_lost_while_the_service_starts(windows: Open) -> None:
    window = windows()
    page, tries = window.open("/compose"), list[str]()

    def starting(route: Route) -> None:
        tries.append(route.request.url)
        route.abort("connectionrefused") if len(tries) < 2 else route.continue_()

    page.route("**/compose/write", starting)
    page.locator("#text").fill("My lamp is broken.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(STATE)).to_contain_text("It is asked again by itself")
    expect(page.get_by_label("The answer, to edit")).to_have_value(DRAFT)
    assert len(tries) == 2
    window.faults.clear()  # the browser tells of the request that was refused on purpose


def test_files_are_read_and_hard_words_stay_words(windows: Open, tmp_path: Path) -> None:
    page = windows().open("/compose")
    letter = tmp_path / "letter.eml"
    letter.write_bytes(f"Subject: <b>Hard</b>\nContent-Type: text/plain; charset=utf-8\n\n{HARD}".encode())
    page.locator("#file").set_input_files(letter)
    expect(page.locator("#text")).to_have_value(HARD)
    expect(page.get_by_label("Subject")).to_have_value("<b>Hard</b>")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("The answer, to edit")).to_have_value(HARD)
    expect(page).to_have_title("Compose · attune")
    page.locator("#choose-task").select_option("read")
    expect(page.locator("#instruct")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-side=first] [data-facts]")).to_contain_text("Unhappy")
    expect(page).to_have_title("Compose · attune")
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"\xff\xfe\xff")
    page.locator("#file").set_input_files(broken)
    expect(page.get_by_role("alert")).to_contain_text("is no UTF-8 text")
    expect(page.locator("#text")).to_have_value(HARD)
