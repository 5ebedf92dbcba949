"""The report: one page that needs nothing beside it, and in which no text is more than text."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.measure.conftest import evaluated

from attune.axis import around_zero
from attune.measure.report import page, plots

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>body{display:none}</style>",
    "</svg><iframe src='http://evil.example'></iframe>",
    "'; onmouseover='alert(1)",
    "{{ found.gold }} {% raw %}",
    "<!-- \u202e reversed \x1b[31m",
    "&lt;b&gt; is shown as it was written",
]
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "section",
        "article",
        "figure",
        "figcaption",
    ),
    *("h1", "h2", "h3", "h4", "p", "div", "span", "b", "i", "em", "small", "code", "ul", "li", "details"),
    *("br", "summary", "table", "tr", "th", "td", "svg", "g", "line", "circle", "rect"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "style", "scope", "role", "aria-label"),
    *("aria-hidden", "dir", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"),
}


class Seen(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def seen(text: str) -> Seen:
    found = Seen()
    found.feed(text)
    found.close()
    return found


def hostile(texts: list[str]) -> str:
    """A page in whose every text, id, label and column the texts stand."""
    gold = [
        {
            "id": f"{text}{n}",
            "user_id": 7,
            "text": f"A chat: {text}",
            "language": text,
            texts[0]: text,
            "summary": f"gold {text}",
            "mood": texts[n % 2],
        }
        for n, text in enumerate(texts * 2)
    ]
    one = [{**row, "summary": f"one {row['summary']}"} for row in gold[1:]]
    other = [{**row, "mood": texts[1]} for row in gold[:-1]] + [{"id": texts[0], "mood": "x"}]
    asked = ["summary:text", "mood:label"]
    return page(evaluated(gold, one, other, asked=asked, by=("language", texts[0])))


def test_no_tag_or_attribute_of_a_text_survives() -> None:
    found = seen(hostile(EVIL))
    assert found.tags <= TAGS
    assert set(found.attributes) <= ATTRIBUTES
    assert all(value.startswith(("--share:", "left:")) for value in found.attributes["style"])
    assert len("".join(hostile(EVIL)).split("<style>")) == 2
    shown = " ".join(found.texts)
    for text in (*EVIL[:6], EVIL[7]):
        assert text in shown
    assert "\\u202e reversed \\x1b[31m" in shown
    assert "\u202e" not in shown


def test_the_page_loads_and_runs_nothing() -> None:
    text = hostile(["plain", "words", "only", "here"])
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    assert not any(
        each in text for each in ("http://", "https://", "url(", "@import", "<script", " src=", "href=")
    )


def test_every_part_of_the_page_is_there() -> None:
    shown = " ".join(seen(hostile(["plain", "words", "only", "here"])).texts)
    for part in (
        "What differs",
        "macro-F1",
        "By language",
        "Words a text",
        "rows that",
        "How this was counted",
    ):
        assert part in shown, part
    assert "nan" not in shown.lower()


def test_one_run_has_a_page_of_its_own() -> None:
    rows = [{"id": n, "mood": "ab"[n % 2]} for n in range(8)]
    shown = " ".join(seen(page(evaluated(rows, [{**each, "mood": "a"} for each in rows]))).texts)
    assert "rows farthest from gold" in shown
    assert "What differs" not in shown


def test_all_of_the_json_is_json_without_nan() -> None:
    rows: list[dict[str, Any]] = [{"id": n, "mood": "ab"[n % 2]} for n in range(8)]
    found = evaluated(rows, [{"id": 0, "mood": "z"}], by=("mood",)).to_json()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["runs"][0]["missing"] == {"count": 7, "first": [str(n) for n in range(1, 8)]}


@pytest.mark.parametrize("ends", [[0.2, -0.1], [3.0, -14.2], [61.0], [250.0, 1.0], [100.0]])
def test_an_axis_of_differences_has_zero_in_its_middle_and_round_ticks(ends: list[float]) -> None:
    axis = around_zero(ends)
    assert axis.at(0.0) == 50.0
    assert axis.ticks[0] == -axis.ticks[-1] == axis.low
    assert all(0 < axis.at(each) < 100 or each in (axis.low, axis.high) for each in ends)


def test_a_histogram_shows_shares_of_each_series() -> None:
    import numpy as np

    drawn = plots.histogram([np.array([1.0, 1.0, 9.0]), np.array([9.0])])
    assert {bar.height for bar in drawn.bars if bar.series == 1} == {0.0, 100.0}
    assert sorted(bar.height for bar in drawn.bars if bar.series == 0)[-2:] == pytest.approx(
        [100 / 3, 200 / 3]
    )
    assert drawn.means == (11 / 3, 9.0)
