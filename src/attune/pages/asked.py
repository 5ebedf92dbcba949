"""One request, as a page sees it: who asks, what they sent, and how they are answered."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from attune.desk.roles import Right, may
from attune.pages.desk import Desk
from attune.pages.door import Visitor
from attune.pages.frame import ROOMS, Frame, Person, render
from attune.store.desk.queue import Wanted
from attune.store.desk.sorts import NAMES

FILTERS = ("language", "channel", "model", "arm", "waits")
"""Parameters of an address: which items of the queue somebody works on. They stay from page to page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. When a page sees it, session and token are checked."""

    desk: Desk
    request: Request
    form: FormData
    visitor: Visitor

    @property
    def who(self) -> Person | None:
        return self.visitor.who

    @property
    def token(self) -> str:
        """The session's."""
        return self.visitor.token

    @property
    def person(self) -> str:
        assert self.who is not None
        return self.who.name

    @property
    def now(self) -> float:
        """Seconds since 1970 by this machine's clock."""
        return time.time()

    @property
    def root(self) -> str:
        """Where the desk is mounted: "" or "/desk"."""
        return str(self.request.scope.get("root_path", "")).rstrip("/")

    @property
    def part(self) -> bool:
        """Whether a script asks, for a part of a page."""
        return "x-part" in self.request.headers

    @property
    def number(self) -> int:
        number: int = self.request.path_params["number"]
        return number

    def said(self, name: str) -> str:
        """A field of the form; "" where it is missing or a file."""
        value = self.form.get(name, "")
        return value if isinstance(value, str) else ""

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: self.query(name) for name in FILTERS if self.query(name)}

    @property
    def search(self) -> str:
        """The filters as the end of an address: "?language=ko", or ""."""
        return f"?{urlencode(self.filters)}" if self.filters else ""

    @property
    def wanted(self) -> Wanted:
        """Which items of the queue the filters leave."""
        waits = self.query("waits")
        return Wanted(
            **{name: self.query(name) or None for name in NAMES},
            waits_s=float(waits) if waits.isascii() and waits.isdecimal() else None,
        )

    def page(self, template: str, room: str = "", status: int = 200, **values: Any) -> HTMLResponse:
        """A page, or a part of one, from a template."""
        return HTMLResponse(render(template, self._frame(room), **values), status)

    def refusal(self, status: int, title: str, told: str) -> Response:
        """Says what is not done, and why: a script is told the words alone."""
        if self.part:
            return PlainTextResponse(told, status)
        return self.page("refused.html", status=status, refused={"title": title, "told": told})

    def to(self, path: str, **query: str) -> Response:
        """Sends the browser to another page of the desk, the filters kept."""
        found = self.filters | query
        return RedirectResponse(f"{self.root}{path}{f'?{urlencode(found)}' if found else ''}", 303)

    def _frame(self, room: str) -> Frame:
        theme = self.request.cookies.get("attune_theme", "")
        theme = theme if theme in ("light", "dark") else ""
        if self.who is None:
            return Frame(self.root, self.visitor.csrf, theme=theme)
        role = self.who.role
        rooms = tuple(each for each in ROOMS if may(role, each.right))
        open_items = self.desk.pulse.open if may(role, Right.REVIEW) else 0
        leaves = not self.desk.settings.alone
        return Frame(self.root, self.visitor.csrf, self.who, rooms, room, open_items, theme, leaves)
