"""Customers' text is text: in a real browser none of it runs, leads away or moves what stands around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.desk.pages.conftest import Place, Window

from attune.pages.settings import Phrase, Settings
from attune.pages.words import pieces

pytestmark = pytest.mark.xdist_group("browser")
Open = Callable[..., Window]
SCRIPTS = (
    "<script>window.ran=1</script>",
    "\"><img src=x onerror='window.ran=2'>",
    "' autofocus onfocus='window.ran=3' x='",
    "</textarea><svg onload=window.ran=4>",
    "</template><script>window.ran=5</script>",
    "<a href='javascript:window.ran=6'>here</a> javascript:window.ran=6",
    "{{ 7 * 191 }} ${7 * 191} {% raw %}",
    "<style>body{display:none}</style><!--",
    "<iframe srcdoc='<script>parent.ran=7</script>'></iframe>",
    "&lt;script&gt; &amp;#x3c; \\u003cscript",
)
LAYOUT = (
    "x" * 100_000,
    "\u202eright to left\u202c \u2066isolated",
    "zero\u200bwidth\ufeff \u00ad soft",
    "a\u0000b \x1b[31mred\x07",
    "👨‍👩‍👧‍👦🏳️‍🌈 " * 50,
    "Z̸̢̛͎̈́a̵͓̔l̶͕̂g̷̡̈́o̴͖͝ " * 40,
    "שלום עולם, abc المرق كان باردا",
    "\n" * 500 + "below",
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, phrases=(Phrase(SCRIPTS[0], SCRIPTS[1]),))


def hard(number: int, text: str) -> dict[str, Any]:
    turns = [{"role": role, "text": text} for role in ("customer", "agent", "bot")]
    ids = {"id": f"{number} {text[:60]}", "user_id": f"{number} {text[:80]}"}
    return ids | {"turns": turns, "subject": text[:500], "channel": text[:40], "language": text[:8]}


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "narrow"])
def test_nothing_of_a_customers_runs_or_breaks_the_layout(
    place: Place, windows: Open, size: tuple[int, int]
) -> None:
    numbers = place.fill(*(hard(n, text) for n, text in enumerate((*SCRIPTS, *LAYOUT))))
    window = windows("ada", viewport={"width": size[0], "height": size[1]})
    for number, text in zip(numbers, (*SCRIPTS, *LAYOUT), strict=True):
        place.store.reviews.claim(number, "ada", 600)
        place.store.reviews.save(number, "ada", text[:9000] + " and more", 0)
        page = window.open(f"/items/{number}")
        expect(page.locator("#text")).to_be_visible()
        shown = page.locator(".turn.customer .said").text_content() or ""
        assert shown == "".join(part for _, part in pieces(text.strip().replace("\0", "\ufffd")))
        assert page.evaluate("window.ran") is None
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), text[:40]
        assert page.locator("iframe, main img, main script, main style").count() == 0
    for path in ("/", "/audit"):
        page = window.open(path)
        page.wait_for_timeout(100)
        assert page.evaluate("window.ran") is None
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_hidden_character_is_shown_and_turns_nothing_around() -> None:
    assert list(pieces("a\u202eb")) == [(False, "a"), (True, "U+202E"), (False, "b")]
    assert list(pieces("\u05e9\u200f!")) == [(False, "\u05e9\u200f!")]
    assert list(pieces("a\nb\tc")) == [(False, "a\nb\tc")]
