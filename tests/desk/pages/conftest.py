"""A desk with people and drafts: in this process, on loopback, and in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from starlette.testclient import TestClient

from attune import connect, stream
from attune.chat import parse_chat
from attune.desk.roles import Role
from attune.handle import Act
from attune.limits import Limits
from attune.pages.app import application
from attune.pages.desk import Desk
from attune.pages.drafting import Drafting
from attune.pages.settings import Phrase, Settings
from attune.request import Request
from attune.serve.process import listening
from attune.store import Input, Store
from attune.testing import ScriptedEngine

expect.set_options(timeout=20_000)

PASSWORD = "a password for tests"
DRAFT = "Hello, we are sorry that the soup was cold. We will call you. Kind regards"
PEOPLE = {"ann": Role.REVIEWER, "ben": Role.REVIEWER, "lea": Role.LEAD, "ada": Role.ADMIN}
_FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
Fill = Callable[..., list[int]]


def said(request: Request) -> str:
    """What the model says: every customer is unhappy, and the summary is what they said."""
    if request.task == "triage":
        words = " ".join(request.prompt.lines[0].split())[:150]
        return json.dumps({"sentiment": -1, "summary": words.partition(": ")[2] or words}, ensure_ascii=False)
    if request.task == "translate":
        return "Customer: The soup was cold."
    asked = request.prompt.cue.partition("Reply to the customer.")[2].strip()
    return f"Again: {asked}." if asked else DRAFT


@dataclass(frozen=True)
class Place:
    """A desk and its store; `address` is where it answers, "" while it does not."""

    desk: Desk
    address: str = ""

    @property
    def store(self) -> Store:
        return self.desk.store

    def fill(self, *chats: dict[str, Any], **fields: Any) -> list[int]:
        """Put chats into the store and have them read; the numbers of the items, oldest first."""
        rows = [{"user_id": f"u{each['id']}"} | fields | each for each in chats]
        for row in rows:
            row.setdefault("turns", [{"role": "customer", "text": row.pop("text", "The soup was cold.")}])
        raws = [json.dumps(each, ensure_ascii=False).encode() for each in rows]
        read = [parse_chat(raw) for raw in raws]
        self.store.enqueue(
            Input(chat.id, chat.digest, raw, "test") for chat, raw in zip(read, raws, strict=True)
        )
        stream.run(None, self.store, self.desk.drafting.act, Limits(in_flight=1))  # in their order
        numbers = {line.key: line.number for line in self.store.reviews.waiting(limit=10_000)}
        return [numbers[chat.id] for chat in read]

    def audit(self, number: int) -> list[str]:
        """Who did what with an item."""
        return [f"{each.person} {each.act}" for each in self.store.audit.records(f"chat:{number}")]


@pytest.fixture
def settings() -> Settings:
    phrases = (Phrase("Thanks", "Thank you for telling us.", "en"), Phrase("Dank", "Danke.", "de"))
    return Settings(reasons=("wrong facts", "wrong tone"), phrases=phrases, key=b"k" * 32)


@pytest.fixture(scope="session")
def with_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that has the people: hashing their passwords takes a moment, so it is copied."""
    path = tmp_path_factory.mktemp("people") / "desk.db"
    with Store.open(path) as store:
        for name, role in PEOPLE.items():
            store.users.add(name, role, PASSWORD, "test")
    return path


@pytest.fixture
def here(tmp_path: Path, with_people: Path, settings: Settings) -> Iterator[Place]:
    """A desk in this process."""
    engine = ScriptedEngine(said)
    task = connect.task("triage", "scripted:")
    shutil.copy(with_people, tmp_path / "desk.db")
    with Store.open(tmp_path / "desk.db") as store:
        drafting = Drafting(Act(task, engine, timeout_s=20), connect.task("translate", "scripted:"))
        yield Place(Desk(store, drafting, settings))
    engine.close()


@pytest.fixture
def place(here: Place) -> Iterator[Place]:
    """The desk on loopback."""
    with served(here.desk) as address:
        yield Place(here.desk, address)


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """Answers on a free port of loopback, until the block ends."""
    config = uvicorn.Config(application(desk), log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    with listening("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def client(here: Place) -> Iterator[TestClient]:
    """A browser without scripts."""
    with TestClient(application(here.desk), base_url="http://127.0.0.1", follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real browser: Debian's, driven by Playwright."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("there is no chromium, and REQUIRE_BROWSER is set")
        pytest.skip("there is no chromium: apt-get install chromium")
    root = ("--no-sandbox",) if os.getuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_FLAGS, *root])
        yield browser
        browser.close()


@dataclass(frozen=True)
class Window:
    """A person's window on a desk."""

    page: Page
    address: str
    faults: list[str]
    """What the browser complained about: a script's error, something that the policy shut out."""

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.address + path)
        return self.page


@pytest.fixture
def windows(chromium: Browser, place: Place) -> Iterator[Callable[..., Window]]:
    """Opens windows, each of a browser of its own, logged in; at the end none has a fault."""
    opened: list[tuple[BrowserContext, list[str]]] = []

    def window(person: str = "ann", **given: Any) -> Window:
        context = chromium.new_context(**given)
        page, faults = context.new_page(), list[str]()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        opened.append((context, faults))
        if person:
            session = place.store.sessions.login(person, PASSWORD, "test", 3600)
            context.add_cookies([cookie_of(session.token, place)])
        return Window(page, place.address, faults)

    yield window
    complaints = [fault for _, faults in opened for fault in faults if "status of 4" not in fault]
    for context, _ in opened:
        context.close()
    assert not complaints


def cookie_of(token: str, place: Place) -> Any:
    from attune.pages.door import COOKIE, signed

    return {"name": COOKIE, "value": signed(token, place.desk.settings), "url": place.address}
