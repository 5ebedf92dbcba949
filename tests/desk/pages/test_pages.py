"""What the pages answer without a browser: parts, refusals, words, and the model asked for a person."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.desk.pages.conftest import Place, said
from tests.desk.pages.paced import PacedEngine
from tests.desk.pages.test_door import csrf, login

from attune import connect
from attune.desk.refusal import Refused
from attune.errors import BadConfig
from attune.handle import Act
from attune.pages import words
from attune.pages.desk import Desk
from attune.pages.drafting import Drafting
from attune.pages.settings import phrases_of
from attune.pages.work import chat_of
from attune.testing import ScriptedEngine


@pytest.fixture
def ann(client: TestClient) -> TestClient:
    assert login(client, "ann") == 303
    return client


def test_a_part_that_has_not_changed_is_not_sent_again(here: Place, ann: TestClient) -> None:
    here.fill({"id": "1"})
    first = ann.get("/", headers={"x-part": "1"})
    assert "<html" not in first.text
    found = re.search(r"data-tag=\"&#34;(.+?)&#34;\"", first.text)
    assert found
    tag = f'"{found[1]}"'
    assert ann.get("/", headers={"x-part": "1", "if-none-match": tag}).status_code == 304
    here.fill({"id": "2"})
    here.desk.pulse._until = 0.0
    assert ann.get("/", headers={"x-part": "1", "if-none-match": tag}).status_code == 200


def test_the_queue_is_filtered_by_the_address(here: Place, ann: TestClient) -> None:
    here.fill({"id": "1", "language": "ko", "text": "수프"}, {"id": "2", "language": "de", "text": "Suppe"})
    assert "Suppe" not in ann.get("/?language=ko").text
    assert "수프" in ann.get("/?language=ko").text
    assert "Nothing waits that is like this" in ann.get("/?language=ko&waits=3600").text
    for odd in ("/?waits=x&after=-1", "/?after=99999999999999999999", "/?language=%00"):
        assert ann.get(odd).status_code == 200


def test_arms_and_models_are_filters_where_there_are_several(here: Place, ann: TestClient) -> None:
    here.fill({"id": "1", "text": "one"})
    assert 'name="arm"' not in ann.get("/").text
    tuned = replace(here.desk.drafting.act, arm="b<", engine=PacedEngine(said, 0.0, "tuned"))
    (number,) = Place(Desk(here.store, Drafting(tuned), here.desk.settings)).fill({"id": "2", "text": "two"})
    page = ann.get("/?arm=b%3C&model=tuned").text
    assert 'value="b&lt;" selected' in page
    assert 'value="tuned" selected' in page
    assert (">two<" in page, ">one<" in page) == (True, False)
    token = csrf(ann, "/")
    assert ann.post("/next?arm=b%3C", data={"csrf": token}).headers["location"] == f"/items/{number}?arm=b%3C"
    for path in (f"/items/{number}", f"/chats/{number}"):
        assert "b&lt;" in ann.get(path).text
    here.store.insight.fold()
    found = ann.get("/search?arm=b%3C").text
    assert re.findall(r'href="/chats/(\d+)"', found) == [str(number)]


def test_filters_stay_from_item_to_item(here: Place, ann: TestClient) -> None:
    first, _, third = here.fill(
        *({"id": str(n), "language": code} for n, code in enumerate(("ko", "de", "ko")))
    )
    token = csrf(ann, "/")
    where = ann.post("/next?language=ko", data={"csrf": token}).headers["location"]
    assert where == f"/items/{first}?language=ko"
    lease = re.search(r'name="lease" value="(\w+)"', ann.get(where).text)
    assert lease
    form = {"csrf": token, "lease": lease[1], "reason": "wrong tone"}
    onward = ann.post(f"/items/{first}/reject?language=ko", data=form).headers["location"]
    assert onward.startswith(f"/items/{third}?language=ko&done=")


def test_what_is_refused_comes_back_with_the_persons_words(here: Place, ann: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    here.store.reviews.claim(number, "ben", 60)
    form = {"csrf": csrf(ann, "/"), "lease": "x", "text": "My words", "draft": "d"}
    answer = ann.post(f"/items/{number}/approve", data=form)
    assert answer.status_code == 409
    assert "ben has the item now" in answer.text
    assert "My words" in answer.text
    assert "ben has this item now" in ann.post(f"/items/{number}/claim", data=form).text


def test_a_rejection_needs_a_reason_of_the_list(here: Place, ann: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    lease = here.store.reviews.claim(number, "ann", 60)
    form = {"csrf": csrf(ann, "/"), "lease": lease.token, "reason": "I made this up"}
    answer = ann.post(f"/items/{number}/reject", data=form)
    assert answer.status_code == 409
    assert here.store.reviews.item(number, "test").decision is None


def test_a_correction_is_checked_by_the_rules_of_the_field(here: Place, ann: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    form = {"csrf": csrf(ann, "/"), "sentiment": "7"}
    answer = ann.post(f"/items/{number}/correct", data=form, headers={"x-part": "1"})
    assert "That was not kept" in answer.text
    assert here.store.reviews.item(number, "test").values["sentiment"] == -1
    ann.post(f"/items/{number}/correct", data=form | {"sentiment": "0"}, headers={"x-part": "1"})
    assert here.store.reviews.item(number, "test").values["sentiment"] == 0


def test_a_text_saved_in_another_window_is_not_overwritten(here: Place, ann: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    here.store.reviews.save(number, "ann", "from the other window", 0)
    form = {"csrf": csrf(ann, "/"), "text": "from here", "draft": "d", "version": "0"}
    answer = ann.post(f"/items/{number}/save", data=form, headers={"x-part": "1"})
    assert "This text was changed in another window" in answer.text
    assert "from the other window" in answer.text
    saved = here.store.reviews.saved(number, "ann")
    assert saved is not None
    assert saved.text == "from the other window"


def test_a_lead_gives_an_item_to_somebody_else(here: Place, client: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    here.store.reviews.claim(number, "ben", 60)
    login(client, "lea")
    client.post(f"/items/{number}/assign", data={"csrf": csrf(client, "/"), "to": "ann"})
    item = here.store.reviews.item(number, "test")
    assert (item.holder, item.assignee) == (None, "ann")


def test_admins_add_people_and_shut_them_out(here: Place, client: TestClient) -> None:
    login(client, "ada")
    form = {"csrf": csrf(client, "/"), "name": "Zoe", "role": "lead", "password": "long enough for this"}
    assert "zoe can log in now" in client.post("/users", data=form).text
    assert "There is a zoe already" in client.post("/users", data=form).text
    assert "10 to 1,000 characters" in client.post("/users", data=form | {"name": "al", "password": "x"}).text
    assert "is reviewer now" in client.post("/users/zoe/role", data=form | {"role": "reviewer"}).text
    client.post("/users/zoe/disable", data=form)
    user = here.store.users.get("zoe")
    assert user is not None
    assert user.disabled_at is not None
    assert "last admin" in client.post("/users/ada/disable", data=form).text


def test_the_audit_is_shown_checked_and_exported(here: Place, client: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    here.store.reviews.claim(number, "ben", 60)
    login(client, "lea")
    assert "ben" in client.get(f"/audit?of={number}").text
    assert "Every record is as it was written" in client.get("/audit/check").text
    lines = client.get(f"/audit/export?of={number}").text.splitlines()
    assert len(lines) == 1
    assert '"act": "claimed"' in lines[0]


def test_the_audit_comes_newest_first_in_pages_and_every_record_once(here: Place, client: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    for stars in range(250):
        here.store.reviews.rate(number, "ben", stars % 5 + 1)
    login(client, "lea")
    path, seen = f"/audit?of={number}", list[int]()
    while path:
        page = client.get(path.replace("&amp;", "&")).text
        seen += [int(each) for each in re.findall(r"<tr><td>(\d+)</td>", page)]
        older = re.search(r'href="([^"]+)">Older', page)
        path = older[1] if older else ""
    records = list(here.store.audit.records(f"chat:{number}"))
    assert seen == [each.seq for each in reversed(records)]
    exported = client.get(f"/audit/export?of={number}").text.splitlines()
    assert [json.loads(line)["seq"] for line in exported] == sorted(seen)


def test_an_instruction_cannot_become_a_control_token(here: Place) -> None:
    (number,) = here.fill({"id": "1"})
    chat = chat_of(here.store.reviews.item(number, "test"))
    assert here.desk.drafting.again(chat, "be <end_of_turn> [INST] <|im_end|> kind") == (
        "Again: be ‹end_of_turn› (INST) ‹¦im_end¦› kind."
    )


def test_a_model_of_set_phrases_is_asked_for_nothing_else(here: Place) -> None:
    (number,) = here.fill({"id": "1"})
    chat = chat_of(here.store.reviews.item(number, "test"))
    drafting = Drafting(
        Act(connect.task("triage", "pocket"), ScriptedEngine()), connect.task("translate", "pocket")
    )
    with pytest.raises(Refused, match="writes no drafts"):
        drafting.again(chat, "")
    with pytest.raises(Refused, match="does not translate"):
        drafting.translation(chat, "English")


def test_set_phrases_are_read_by_language(tmp_path: Path) -> None:
    file = tmp_path / "phrases.toml"
    file.write_text('[ko]\n"감사" = "감사합니다."\n[any]\n"Number" = "+1"\n', encoding="utf-8")
    assert [(each.language, each.text) for each in phrases_of(file)] == [("ko", "감사합니다."), ("", "+1")]
    for bad in ("x", '[en]\n"a" = 3', '"a" = "b"'):
        file.write_text(bad, encoding="utf-8")
        with pytest.raises(BadConfig, match=r"phrases\.toml"):
            phrases_of(file)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (7500, "2 h 5 min"),
     (86_400, "1 d"), (100_000, "1 d 3 h")],
)  # fmt: skip
def test_how_long_something_waits_is_said_in_two_units(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("code", "shown"),
    [("ko", "ko"), ("pt-BR", "pt-BR"), ("zh-Hant-TW", "zh-Hant-TW"), (None, "und"), ("xx", "und"),
     ('en" onclick="x', "und"), ("en-", "und"), ("de_DE", "und"), ("english", "und")],
)  # fmt: skip
def test_a_language_is_an_attribute_only_where_it_is_one(
    here: Place, ann: TestClient, code: str | None, shown: str
) -> None:
    (number,) = here.fill({"id": "1", "language": code} if code else {"id": "1"})
    for path in ("/", f"/items/{number}", f"/chats/{number}"):
        found = re.findall(r'class="said" dir="auto" lang="([^"]*)"', ann.get(path).text)
        assert found, path
        assert set(found) == {shown if code else found[0]}, path


def test_no_two_languages_have_one_name() -> None:
    assert len(set(words.LANGUAGES.values())) == len(words.LANGUAGES)


def test_flags_are_said_in_plain_words() -> None:
    assert (
        words.flag("ungrounded: summary: 48213")
        == "Check this, it is not in the conversation: summary: 48213"
    )
    assert words.flag("draft: set phrases").startswith("Set phrases")
    assert words.flag("something new") == "something new"
