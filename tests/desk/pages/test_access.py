"""Every page in a real browser, light and dark, wide and narrow: axe finds nothing, nothing sticks out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.desk.pages.conftest import Place, Window

pytestmark = pytest.mark.xdist_group("browser")
Open = Callable[..., Window]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def check(page: Page, what: str) -> None:
    page.emulate_media(reduced_motion="reduce")  # a colour amid its change is no colour of the page
    page.wait_for_timeout(100)
    results = Axe().run(page)
    assert results.response["passes"], "axe looked at nothing"
    assert results.violations_count == 0, f"{what}: {results.generate_report()}"
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{what} is {over} pixels too wide"


@pytest.fixture
def paths(place: Place) -> dict[str, str]:
    """Every kind of page, by what it is."""
    reviews = place.store.reviews
    texts = (
        "The soup was cold.",
        "Die Suppe war kalt.",
        "수프가 식었어요.",
        "スープが冷めていた。",
        "המרק היה קר",
    )
    chats = [{"id": str(n), "text": text} for n, text in enumerate(texts)]
    mine, stale, theirs, handed, _ = place.fill(*chats, user_id="7", channel="email", subject="Soup")
    for number, person in ((mine, "ada"), (stale, "ada"), (theirs, "ben")):
        reviews.claim(number, person, 600)
    reviews.assign(handed, "ada", "lea", "She called twice.")
    reviews.claim(handed, "ada", 600)
    reviews.save(mine, "ada", "Hello, we are so very sorry. Kind regards", 0)
    reviews.rate(mine, "ada", 3)
    return {
        "login": "/login",
        "queue": "/",
        "queue, none like this": "/?language=xx",
        "item": f"/items/{mine}",
        "stale item": f"/items/{stale}",
        "somebody else's": f"/items/{theirs}",
        "handed over": f"/items/{handed}",
        "no such item": "/items/999",
        "audit": "/audit/check",
        "users": "/users",
    }


@pytest.mark.parametrize(
    ("size", "schemes"), [(WIDE, ("light", "dark")), (NARROW, ("dark",))], ids=["wide", "narrow"]
)
def test_axe_finds_nothing_on_any_page(
    paths: dict[str, str], windows: Open, size: dict[str, int], schemes: tuple[Any, ...]
) -> None:
    guest, window = windows(person="", viewport=size), windows("ada", viewport=size)
    for what, path in paths.items():
        page = (guest if path == "/login" else window).open(path)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            check(page, f"{what}, {scheme}")


def test_axe_finds_nothing_in_dialogs_menus_and_toasts(paths: dict[str, str], windows: Open) -> None:
    page = windows("ada").open(paths["item"])
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for key in ("?", "r", "h", "d"):
            page.keyboard.press(key)
            expect(page.locator("dialog[open]")).to_be_visible()
            check(page, f"dialog {key}, {scheme}")
            page.keyboard.press("Escape")
    page.locator(".who summary").click()
    check(page, "the menu of a person")
    page.locator("#ack-newer_chat").check()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_be_visible()
    check(page, "toast")


def test_the_scheme_can_be_switched_and_stays(windows: Open) -> None:
    page = windows(color_scheme="light").open()
    before = page.evaluate("getComputedStyle(document.body).color")
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("getComputedStyle(document.body).color") != before
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
