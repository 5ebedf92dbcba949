"""The insight pages: every number is the store's, whatever the range and the filters."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.compare import reviews
from tests.compare.reviews import settle, taste
from tests.desk.pages.conftest import Place
from tests.desk.pages.test_door import login

from attune.desk.ruling import Approve, Reject
from attune.pages import insight_plots as plots
from attune.pages.insight_picture import Picture, Row, Series, share
from attune.pages.insight_range import range_of
from attune.pages.spreadsheet import cell
from attune.store.desk.lease import Hand

Numbers = dict[tuple[str, str, str], str]
NOW = 1_700_000_000.0


def decided(here: Place) -> None:
    """Four chats, three of them decided, one rated."""
    texts = {"id": "1", "language": "de"}, {"id": "2", "language": "de"}, {"id": "3", "language": "ko"}
    numbers = here.fill(*texts, {"id": "4", "language": "=1+1", "channel": "<b>mail</b>"})
    for number, how in zip(numbers, ("as it is", "edited", "rejected"), strict=False):
        lease = here.store.reviews.claim(number, "ann", 600)
        draft = here.store.reviews.item(number, "ann").draft
        ruling = Reject("wrong tone", "") if how == "rejected" else Approve(draft, draft, "", ())
        if how == "edited":
            ruling = Approve(f"{draft} Ann", draft, "", ())
        here.store.reviews.decide(Hand(number, "ann", lease.token), ruling, 0)
    here.store.reviews.rate(numbers[0], "ann", 4)
    here.store.insight.fold()


def exported(client: TestClient, query: str = "") -> Numbers:
    answer = client.get(f"/insight/export{query}")
    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    return {(picture, row, column): value for picture, row, column, value in rows[1:]}


def total(numbers: Numbers, picture: str, column: str) -> float:
    return sum(
        float(value) for (name, _, series), value in numbers.items() if (name, series) == (picture, column)
    )


def test_the_export_has_every_number_of_the_page(here: Place, client: TestClient) -> None:
    decided(here)
    login(client, "lea")
    found = exported(client)
    assert total(found, "Chats over time", "Unhappy") == 4
    assert found["Languages", "German", "Unhappy"] == "2"
    assert found["Models", "scripted", "Sent as drafted"] == "1"
    assert found["Models", "scripted", "Share edited"] == "33 %"
    assert found["Models", "scripted", "Words changed in an edit"] == "1.0"
    assert found["Rejections", "wrong tone", "Rejected"] == "1"
    assert found["Ratings", "4 stars", "Ratings"] == "1"
    assert ("Waiting time", "50 %", "Decided within") in found
    page = client.get("/insight").text
    assert "4 chats, 100 % of them unhappy" in page
    assert "33 % of 3 were sent as drafted, 33 % edited" in page


def test_filters_leave_what_they_say(here: Place, client: TestClient) -> None:
    decided(here)
    login(client, "lea")
    assert total(exported(client, "?language=de"), "Chats over time", "Unhappy") == 2
    assert total(exported(client, "?language=ko"), "Decisions over time", "Rejected") == 1
    assert total(exported(client, "?task=reply"), "Chats over time", "Unhappy") == 0
    assert total(exported(client, "?range=1"), "Chats over time", "Unhappy") == 4
    assert exported(client, "?from=2020-01-01&to=2020-02-01") == {}
    assert "No chats that are like this" in client.get("/insight?language=xx").text


@pytest.mark.parametrize(
    "query", ["range=x", "from=2020-13-01&to=x", "from=2024-01-02&to=2024-01-01", "to=9999-12-31"]
)
def test_a_time_that_is_none_is_the_usual_one(here: Place, client: TestClient, query: str) -> None:
    decided(here)
    login(client, "ann")
    assert "Last 30 days</option>" in client.get(f"/insight?{query}").text
    assert "4 chats" in client.get(f"/insight?{query}").text


def test_other_peoples_words_are_text_in_pictures_and_in_spreadsheets(
    here: Place, client: TestClient
) -> None:
    decided(here)
    login(client, "lea")
    page = client.get("/insight").text
    assert "<b>mail" not in page
    assert "&lt;b&gt;mail" in page
    assert "'=1+1" in client.get("/insight/export").text
    assert [cell(each) for each in ("=1", "@x", "-1", "-x", 2.0, 2.26)] == ["'=1", "'@x", "-1", "'-x", 2, 2.3]


def test_a_reviewer_sees_the_pictures_and_exports_nothing(here: Place, client: TestClient) -> None:
    decided(here)
    login(client, "ann")
    assert "Export as CSV" not in client.get("/insight").text
    assert client.get("/insight/export").status_code == 403
    assert client.get("/search/export").status_code == 403


def test_an_empty_desk_says_which_command_fills_it(client: TestClient) -> None:
    login(client, "ann")
    assert "attune run chats.jsonl" in client.get("/insight").text
    assert "attune run chats.jsonl" in client.get("/search").text


def test_what_is_not_counted_yet_is_said(here: Place, client: TestClient) -> None:
    here.fill({"id": "1"})
    login(client, "ann")
    assert "1 chat not counted yet" in client.get("/insight").text
    assert "1 chat cannot be found yet" in client.get("/search").text


def test_every_picture_has_its_table_and_its_name(here: Place, client: TestClient) -> None:
    decided(here)
    login(client, "ann")
    page = client.get("/insight").text
    assert len(re.findall(r'class="sheet picture"', page)) == 9
    assert len(re.findall(r"<summary>As a table</summary>", page)) == 9
    assert len(re.findall(r'role="img" aria-label="[^"]+"', page)) == 9


def test_arms_are_pictures_where_there_is_more_than_one(here: Place, client: TestClient) -> None:
    store, drawn = here.store, np.random.default_rng(2)
    settle(store, ("base", "c<i>"), 60)
    reviews.decide(store, {"base": taste(0.1, 0.2), "c<i>": taste(0.8, 0.1)}, drawn)
    login(client, "lea")
    page = client.get("/insight").text
    assert len(re.findall(r'class="sheet picture"', page)) == 11
    assert "c&lt;i&gt; is better than base: its drafts score +" in page
    assert "Of all 60 reviews decided since " in page
    assert "c<i>" not in page
    found = exported(client)
    decided = [found["Arms", "c<i>", kind] for kind in ("Sent as drafted", "Sent with edits", "Rejected")]
    assert sum(map(int, decided)) == 30
    assert re.fullmatch(r"\d+ % \(\d+–\d+\)", found["Arms", "c<i>", "Share as drafted"])
    assert found["Arms", "base", "Rejected for"].startswith("wrong tone ")
    (day,) = {row for picture, row, _ in found if picture == "c<i> beside base"}
    assert float(found["c<i> beside base", day, "Lower end"]) > 0
    # A cut of the reviews has its figures, and no verdict of its own.
    cut = client.get("/insight?arm=base").text
    assert "c&lt;i&gt; is better than base" in cut
    assert ("Arms", "c<i>", "Sent as drafted") not in exported(client, "?arm=base")


def test_a_band_is_drawn_where_its_numbers_are() -> None:
    rows = (Row("1 May", (10.0, -40.0, 60.0)), Row("2 May", (5.0, -10.0, 20.0)))
    series = (Series("Difference", "accent"), Series("Lower end", "band"), Series("Upper end", "band"))
    drawn = plots.band(Picture("d", "D", "", "Day", series, rows, "band"))
    assert drawn.zero == 50
    assert drawn.line == "25.00,37.50 75.00,43.75"
    assert drawn.area == "25.00,100.00 75.00,62.50 75.00,25.00 25.00,0.00"
    assert [tick.label for tick in drawn.up] == ["-40", "-20", "0", "+20", "+40"]


@given(st.sampled_from(["1", "7", "30", "90", "365"]), st.integers(0, 364))
def test_every_moment_of_a_range_has_its_bar(chosen: str, day: int) -> None:
    found = range_of(chosen, "", "", NOW)
    starts = [start for start, _ in found.bins()]
    assert len(starts) <= 93
    assert found.since <= NOW < found.until
    moment = found.since + day * 86_400 % (found.until - found.since)
    assert starts[found.bin_of(moment)] <= moment < starts[found.bin_of(moment)] + found.bin_s


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=60))
def test_bars_are_as_long_as_their_numbers(numbers: list[tuple[int, int]]) -> None:
    series = (Series("A", "bad"), Series("B", "good"))
    rows = tuple(Row(str(n), tuple(map(float, values))) for n, values in enumerate(numbers))
    picture = Picture("p", "P", "", "Row", series, rows)
    drawn = plots.columns(picture)
    heights: dict[int, float] = defaultdict(float)
    for place, bar in enumerate(drawn.bars):
        for box in bar.boxes:
            assert 0 <= box.x <= box.x + box.width <= 100.01
            assert -0.01 <= box.y <= box.y + box.height <= 100.02
            heights[place] += box.height
    most = max(row.total for row in rows)
    for place, row in enumerate(rows):
        tallest = max(heights.values(), default=0.0)
        assert heights[place] == pytest.approx(tallest * row.total / most if most else 0, abs=0.05)


def test_a_share_is_said_as_people_say_it() -> None:
    assert [share(*each) for each in ((1, 3), (1, 1000), (0, 5), (0, 0), (5, 5))] == [
        "33 %", "under 1 %", "0 %", "–", "100 %",
    ]  # fmt: skip
