"""Who is let in: sessions, roles, tokens, and what is refused without them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient
from tests.desk.pages.conftest import PASSWORD, Place

from attune.desk.roles import MAY, Role
from attune.pages.app import PAGES, application
from attune.pages.desk import Desk
from attune.pages.door import COOKIE
from attune.pages.settings import Settings

_VALUES = {"{number:int}": "1", "{decision}": "abc", "{name}": "ben", "{version}": "x"}


def filled(path: str) -> str:
    for name, value in _VALUES.items():
        path = path.replace(name, value)
    return path


def csrf(client: TestClient, path: str = "/login") -> str:
    found = re.search(r'data-csrf="(\w+)"', client.get(path, follow_redirects=True).text)
    assert found
    return found[1]


def login(client: TestClient, name: str, password: str = PASSWORD, to: str = "") -> int:
    form = {"csrf": csrf(client), "name": name, "password": password, "to": to}
    return client.post("/login", data=form).status_code


def test_every_route_but_the_login_and_static_files_refuses_without_a_session(
    here: Place, client: TestClient
) -> None:
    here.fill({"id": "1"})
    routes = [route for route in application(here.desk).routes if isinstance(route, Route)]
    assert len(routes) == len(PAGES) + 1
    refused = 0
    for route in routes:
        if route.path in ("/login", "/static/{version}/{name}"):
            continue
        for method in route.methods or ():
            answer = client.request(method, filled(route.path), data={"csrf": csrf(client)})
            to_login = answer.status_code == 303 and "/login" in answer.headers["location"]
            assert to_login or answer.status_code == 401, f"{method} {route.path}: {answer.status_code}"
            assert "soup" not in answer.text
            refused += 1
    assert refused >= len(PAGES) - 2


def test_every_role_gets_the_pages_of_its_rights_and_no_others(here: Place, client: TestClient) -> None:
    here.fill({"id": "1"})
    for name, role in (("ann", Role.REVIEWER), ("lea", Role.LEAD), ("ada", Role.ADMIN)):
        client.cookies.clear()
        assert login(client, name) == 303
        for page in PAGES:
            if page.right is None or page.path == "/logout":
                continue
            # Without a token a form is refused all the same, but for another reason.
            answer = client.request(page.method, filled(page.path))
            assert ("Not for your role" in answer.text) == (role not in MAY[page.right]), page.path


def test_a_form_without_its_token_changes_nothing(here: Place, client: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    login(client, "ann")
    other = TestClient(application(here.desk), base_url="http://127.0.0.1")
    for token in ("", "x" * 64, csrf(other)):
        answer = client.post(f"/items/{number}/claim", data={"csrf": token})
        assert answer.status_code == 403
    assert here.audit(number) == []
    assert client.post(f"/items/{number}/claim", data={"csrf": csrf(client, "/")}).status_code == 303


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.test"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_page_of_another_site_can_post_nothing(
    here: Place, client: TestClient, headers: dict[str, str]
) -> None:
    (number,) = here.fill({"id": "1"})
    login(client, "ann")
    form = {"csrf": csrf(client, "/")}
    assert client.post(f"/items/{number}/claim", data=form, headers=headers).status_code == 403


def test_the_cookie_is_random_signed_and_out_of_a_scripts_reach(client: TestClient) -> None:
    client.get("/login")
    before = client.cookies[COOKIE]
    form = {"csrf": csrf(client), "name": "ann", "password": PASSWORD}
    answer = client.post("/login", data=form)
    told = answer.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=lax" in told
    assert not told.startswith("attune_desk=ann")
    assert "reviewer" not in told
    token, _, signature = client.cookies[COOKIE].rpartition(".")
    assert token != before.rpartition(".")[0]
    assert client.get("/").status_code == 200
    client.cookies.clear()
    client.cookies.set(COOKIE, f"{token}.{signature[:-1]}{'0' if signature[-1] != '0' else '1'}")
    assert client.get("/").status_code == 303


def test_the_cookie_goes_by_https_alone_where_people_come_by_https(here: Place) -> None:
    desk = Desk(here.store, here.desk.drafting, replace(here.desk.settings, secure=True))
    client = TestClient(application(desk), base_url="http://127.0.0.1")
    assert "secure" in client.get("/login").headers["set-cookie"].lower()


def test_a_login_that_fails_again_and_again_has_to_wait(client: TestClient) -> None:
    tries = [login(client, "ann", "wrong") for _ in range(12)]
    assert tries[0] == 403
    assert tries[-1] == 429
    assert login(client, "ann") == 429


def test_a_login_leads_to_no_other_site(client: TestClient) -> None:
    for to in ("//evil.test/", "/\\evil.test", "https://evil.test", "javascript:alert(1)"):
        form = {"csrf": csrf(client), "name": "ann", "password": PASSWORD, "to": to}
        client.cookies.clear()
        form["csrf"] = csrf(client)
        assert client.post("/login", data=form).headers["location"] == "/"
        client.cookies.clear()


def test_logging_out_ends_the_session_itself(client: TestClient) -> None:
    login(client, "ann")
    cookie = client.cookies[COOKIE]
    assert client.post("/logout", data={"csrf": csrf(client, "/")}).status_code == 303
    client.cookies.set(COOKIE, cookie)
    assert client.get("/").status_code == 303


def test_every_answer_has_a_policy_without_inline_scripts(here: Place, client: TestClient) -> None:
    (number,) = here.fill({"id": "1"})
    login(client, "ada")
    for path in ("/login", "/", f"/items/{number}", "/audit", "/users", "/items/999"):
        answer = client.get(path, follow_redirects=True)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", answer.text), path
        assert answer.headers["cache-control"] == "no-store"


def test_one_user_mode_answers_to_this_machine_alone(here: Place) -> None:
    alone = Desk(here.store, here.desk.drafting, replace(here.desk.settings, alone="demo"))
    for host, status in (("127.0.0.1:8000", 200), ("localhost", 200), ("[::1]:80", 200), ("evil.test", 421)):
        client = TestClient(application(alone), follow_redirects=False)
        assert client.get("/", headers={"host": host}).status_code == status, host
    assert Settings().alone == ""


def test_a_form_without_end_is_not_read(client: TestClient) -> None:
    login(client, "ann")
    long = client.post("/next", content=b"", headers={"content-length": "16000001"})
    unsaid = client.post("/next", content=iter([b"csrf=", b"x"]))
    assert (long.status_code, unsaid.status_code) == (413, 413)
