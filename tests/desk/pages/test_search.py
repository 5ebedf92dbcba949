"""The search and a chat's page: what is found, where it is marked, and who sees what."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, update
from starlette.testclient import TestClient
from tests.desk.pages.conftest import DRAFT, Place
from tests.desk.pages.test_door import login

from attune.desk.ruling import Approve
from attune.pages.search_marks import marked
from attune.store.desk.lease import Hand
from attune.store.schema import outcomes

HARD = "<script>document.title='x'</script> <img src=x onerror=alert(1)> & \u202eevil"


def numbers(page: str) -> list[int]:
    return [int(each) for each in re.findall(r'class="row" href="/chats/(\d+)"', page)]


def test_words_of_any_script_are_found_and_marked(here: Place, client: TestClient) -> None:
    texts = {"1": "Der Käse war schlecht", "2": "환불이 필요합니다", "3": "パスワードを忘れました"}
    found = dict(zip(texts, here.fill(*({"id": n, "text": text} for n, text in texts.items())), strict=True))
    here.store.insight.fold()
    login(client, "ann")
    for query, number, mark in (("kase", "1", "Käse"), ("불이", "2", "불이"), ("ワード", "3", "ワード")):
        page = client.get("/search", params={"q": query}).text
        assert numbers(page) == [found[number]]
        assert f"<mark>{mark}</mark>" in page


def test_hard_words_are_text_wherever_they_stand(here: Place, client: TestClient) -> None:
    (number,) = here.fill({"id": "1", "text": HARD, "channel": "<i>", "subject": HARD})
    here.store.insight.fold()
    login(client, "lea")
    for path in ("/search?q=script", "/search?q=%3Cscript%3E&channel=%3Ci%3E", f"/chats/{number}"):
        page = client.get(path).text
        assert "<script>document" not in page
        assert "<img" not in page
        assert "<i>" not in page
        assert "\u202e" not in page
        assert "&lt;" in page


def test_pages_follow_one_another_and_every_chat_comes_once(here: Place, client: TestClient) -> None:
    made = here.fill(*({"id": str(n)} for n in range(120)))
    here.store.insight.fold()
    login(client, "ann")
    path, seen, pages = "/search?q=soup", list[int](), 0
    while path:
        page = client.get(path.replace("&amp;", "&")).text
        seen += numbers(page)
        pages += 1
        following = re.search(r'href="([^"]+)">Older', page)
        path = following[1] if following else ""
    assert seen == sorted(made, reverse=True)
    assert pages == 3


def test_days_leave_the_chats_of_those_days(here: Place, client: TestClient) -> None:
    made = here.fill(*({"id": str(n)} for n in range(10)))
    days = datetime(2024, 3, 1, tzinfo=UTC).timestamp()
    for place, number in enumerate(made):
        settled_at(here, number, days + place * 86_400 + 43_200)
    here.store.insight.fold()
    login(client, "ann")

    def found(query: str) -> list[int]:
        return numbers(client.get(f"/search?{query}").text)

    assert found("from=2024-03-04&to=2024-03-06") == made[5:2:-1]
    assert found("q=soup&to=2024-03-02") == made[1::-1]
    assert found("q=soup&from=2024-03-09") == made[:7:-1]
    assert found("to=2023-01-01") == []
    assert found("from=nonsense") == made[::-1]


def test_a_clock_that_was_set_back_hides_no_chat(here: Place, client: TestClient) -> None:
    made = here.fill(*({"id": str(n)} for n in range(10)))
    day = datetime(2024, 3, 2, tzinfo=UTC).timestamp()
    for number, hour in zip(made, (-2, 22, 23, 24, 25, 4, 5, 23, 24, 30), strict=True):
        settled_at(here, number, day + hour * 3600)
    here.store.insight.fold()
    login(client, "ann")
    for query in ("", "q=soup&"):
        page = client.get(f"/search?{query}from=2024-03-02&to=2024-03-02").text
        assert numbers(page) == [made[n] for n in (7, 6, 5, 2, 1)]


def settled_at(here: Place, number: int, at: float) -> None:
    changed = update(outcomes).where(outcomes.c.seq == number).values(created_at=at)
    here.store._database.write(partial(Connection.execute, statement=changed))


def test_facts_narrow_and_one_customers_chats_are_together(here: Place, client: TestClient) -> None:
    one, two = here.fill(
        {"id": "1", "language": "ko", "user_id": 7}, {"id": "2", "language": "de", "user_id": 8}
    )
    here.store.insight.fold()
    login(client, "ann")
    for query, wanted in (
        ("language=ko", [one]),
        ("user=8", [two]),
        ("sentiment=1", []),
        ("place=review", [two, one]),
    ):
        assert numbers(client.get(f"/search?{query}").text) == wanted, query


def test_the_export_has_all_that_is_found(here: Place, client: TestClient) -> None:
    here.fill(
        *({"id": str(n), "text": "=goulash", "channel": "mail"} for n in range(60)),
        {"id": "x", "text": "tea"},
    )
    here.store.insight.fold()
    login(client, "lea")
    rows = list(
        csv.DictReader(io.StringIO(client.get("/search/export?q=goulash").text.removeprefix("\ufeff")))
    )
    assert len(rows) == 60
    assert {row["summary"] for row in rows} == {"'=goulash"}
    assert {row["sentiment"] for row in rows} == {"-1"}


def test_a_chats_page_shows_its_whole_way(here: Place, client: TestClient) -> None:
    (number,) = here.fill({"id": "1", "text": "The soup was cold."})
    reviews = here.store.reviews
    lease = reviews.claim(number, "ann", 600)
    reviews.correct(number, "ann", {"summary": "Cold soup"})
    reviews.rate(number, "ann", 2)
    reviews.decide(Hand(number, "ann", lease.token), Approve(f"{DRAFT} Ann", DRAFT, "kinder", ()), 0)
    login(client, "lea")
    page = client.get(f"/chats/{number}").text
    way = ("The soup was cold.", "Prompt: triage", "Prompt: reply", "Reply to the customer.")
    people = ("ann corrected summary", "2 of 5 by ann", "ann approved with edits", "kinder", "<ins>")
    for told in (*way, *people, "Waits to go out", ">claimed<"):
        assert told in page, told
    assert "lea saw" in here.audit(number)


def test_the_audit_of_a_chat_is_not_for_reviewers(here: Place, client: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    here.store.reviews.claim(number, "ben", 600)
    login(client, "ann")
    assert ">claimed<" not in client.get(f"/chats/{number}").text
    assert client.get("/chats/999").status_code == 404


@given(st.text(max_size=60), st.text(max_size=12))
def test_marks_lose_nothing_of_a_text(text: str, query: str) -> None:
    assert "".join(part.text for part in marked(text, query)) == text


@given(st.text("aàÅ환불송カｶ한ßﬁ -", max_size=20))
def test_a_text_is_found_in_itself(text: str) -> None:
    parts = marked(text, text)
    if any(sign.isalnum() for sign in text):
        assert any(part.found for part in parts)


def test_words_are_marked_at_their_beginning_and_unspaced_ones_anywhere() -> None:
    assert [part.text for part in marked("Refund, prefund REFUNDED", "refund") if part.found] == [
        "Refund",
        "REFUND",
    ]
    assert [part.text for part in marked("배송이 늦어요", "송이 요") if part.found] == ["송이", "요"]
