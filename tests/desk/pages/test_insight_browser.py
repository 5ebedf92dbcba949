"""Insight, search and a chat's page in a real browser: by keyboard, by axe, with hard words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.desk.pages.conftest import DRAFT, Place, Window
from tests.desk.pages.test_access import NARROW, WIDE, check

from attune.desk.ruling import Approve, Reject, Ruling
from attune.store.desk.lease import Hand

pytestmark = pytest.mark.xdist_group("browser")
Open = Callable[..., Window]
HARD = "<script>document.title='theirs'</script><img src=x onerror=\"document.title='theirs'\">\u202e"


def worked(place: Place) -> list[int]:
    """Chats in some languages, some decided, one with hard words everywhere."""
    said = {"de": "Die Suppe war kalt.", "ko": "수프가 식었어요.", "he": "המרק היה קר"}
    chats = [{"id": code, "language": code, "text": text} for code, text in said.items()]
    numbers = place.fill(*chats, {"id": "x", "text": HARD, "channel": HARD[:60], "language": HARD[:60]})
    reviews = place.store.reviews
    rulings: tuple[Ruling, ...] = (Approve(f"{DRAFT} Ann", DRAFT, "", ()), Reject("wrong tone", HARD))
    for number, ruling in zip(numbers[:2], rulings, strict=True):
        lease = reviews.claim(number, "ann", 600)
        reviews.rate(number, "ann", 4)
        reviews.decide(Hand(number, "ann", lease.token), ruling, 0)
    place.store.insight.fold()
    return numbers


@pytest.mark.parametrize(
    ("size", "schemes"), [(WIDE, ("light",)), (NARROW, ("dark",))], ids=["wide, light", "narrow, dark"]
)
def test_axe_finds_nothing_and_no_script_of_theirs_runs(
    place: Place, windows: Open, size: dict[str, int], schemes: tuple[str, ...]
) -> None:
    numbers = worked(place)
    window = windows("ada", viewport=size)
    paths = ("/insight", "/search?q=theirs", f"/chats/{numbers[0]}", f"/chats/{numbers[3]}")
    for path in paths:
        page = window.open(path)
        page.evaluate(
            "document.querySelectorAll('details:not(.who)').forEach((each) => { each.open = true; })"
        )
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            check(page, f"{path}, {scheme}")
        assert "theirs" not in page.title()


def test_the_numbers_change_with_what_is_decided(place: Place, windows: Open) -> None:
    (number, *_) = place.fill({"id": "1"}, {"id": "2"})
    place.store.insight.fold()
    page = windows("ann").open("/")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/insight")
    tiles = page.locator(".tiles")
    expect(tiles).to_contain_text("Decided0")
    page.goto(f"{place.address}/")
    page.keyboard.press("n")
    page.wait_for_url(f"**/items/{number}")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/items/{number + 1}?*")
    page.goto(f"{place.address}/insight")
    expect(tiles).to_contain_text("Decided1100 % sent")
    page.locator("#decisions summary").click()
    expect(page.get_by_role("region", name="Decisions over time, the numbers")).to_contain_text("1")


def test_a_chat_is_found_and_looked_at_by_keyboard(place: Place, windows: Open) -> None:
    numbers = worked(place)
    page = windows("ann").open("/insight")
    page.keyboard.press("/")
    page.wait_for_url("**/search")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("식었")
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_have_text("식었")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/chats/{numbers[1]}")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator(".way")).to_contain_text("rejected the draft")
    page.keyboard.press("c")
    page.wait_for_url("**/search?user=*")
    expect(page.locator(".found li")).to_have_count(1)


def test_filters_stay_in_the_address(place: Place, windows: Open) -> None:
    worked(place)
    page = windows("lea").open("/insight")
    page.locator("#choose-language").select_option("ko")
    page.wait_for_url("**language=ko*")
    expect(page.locator(".tiles")).to_contain_text("Chats1")
    with page.expect_download() as coming:
        page.keyboard.press("x")
    assert coming.value.suggested_filename.startswith("insight-")
    page.go_back()
    expect(page.locator(".tiles")).to_contain_text("Chats4")
