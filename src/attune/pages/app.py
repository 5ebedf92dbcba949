"""The application: every page with the right it needs, behind the door."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from attune.desk.refusal import Refused, Unknown
from attune.desk.roles import Right, may
from attune.errors import AttuneError
from attune.pages import audit, chat, compose, decide, door, insight, item, login, queue, search, users, work
from attune.pages.asked import Asked
from attune.pages.desk import Desk
from attune.pages.door import Visitor
from attune.pages.frame import STATIC

log = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_MOST_BYTES = 16_000_000
_MOST_CHARS = 1_000_000
"""A longer field of a form is refused."""


@dataclass(frozen=True, slots=True)
class Page:
    """What answers at `path`. `right` is what a person needs for it; None is open to all: the login alone."""

    method: str
    path: str
    answer: Callable[[Asked], Response]
    right: Right | None


PAGES = (
    Page("GET", "/login", login.show, None),
    Page("POST", "/login", login.enter, None),
    Page("POST", "/logout", login.leave, Right.REVIEW),
    Page("GET", "/", queue.show, Right.REVIEW),
    Page("POST", "/next", queue.take_next, Right.REVIEW),
    Page("GET", "/items/{number:int}", item.show, Right.REVIEW),
    Page("POST", "/items/{number:int}/claim", work.claim, Right.REVIEW),
    Page("POST", "/items/{number:int}/renew", work.renew, Right.REVIEW),
    Page("POST", "/items/{number:int}/look", work.look, Right.REVIEW),
    Page("POST", "/items/{number:int}/away", work.away, Right.REVIEW),
    Page("POST", "/items/{number:int}/leave", work.leave, Right.REVIEW),
    Page("POST", "/items/{number:int}/save", work.save, Right.REVIEW),
    Page("POST", "/items/{number:int}/again", work.again, Right.REVIEW),
    Page("POST", "/items/{number:int}/translate", work.translate, Right.REVIEW),
    Page("POST", "/items/{number:int}/rate", work.rate, Right.REVIEW),
    Page("POST", "/items/{number:int}/correct", work.correct, Right.REVIEW),
    Page("POST", "/items/{number:int}/approve", decide.approve, Right.REVIEW),
    Page("POST", "/items/{number:int}/reject", decide.reject, Right.REVIEW),
    Page("POST", "/items/{number:int}/hand", decide.hand, Right.REVIEW),
    Page("POST", "/items/{number:int}/assign", decide.assign, Right.ASSIGN),
    Page("POST", "/decisions/{decision}/undo", decide.undo, Right.REVIEW),
    Page("GET", "/compose", compose.show, Right.COMPOSE),
    Page("POST", "/compose/upload", compose.upload, Right.COMPOSE),
    Page("POST", "/compose/write", compose.write, Right.COMPOSE),
    Page("POST", "/compose/save", compose.save, Right.COMPOSE),
    Page("GET", "/search", search.show, Right.INSIGHT),
    Page("GET", "/search/export", search.export, Right.EXPORT),
    Page("GET", "/chats/{number:int}", chat.show, Right.INSIGHT),
    Page("GET", "/insight", insight.show, Right.INSIGHT),
    Page("GET", "/insight/export", insight.export, Right.EXPORT),
    Page("GET", "/audit", audit.show, Right.AUDIT),
    Page("GET", "/audit/check", audit.check, Right.AUDIT),
    Page("GET", "/audit/export", audit.export, Right.AUDIT),
    Page("GET", "/users", users.show, Right.USERS),
    Page("POST", "/users", users.add, Right.USERS),
    Page("POST", "/users/{name}/role", users.set_role, Right.USERS),
    Page("POST", "/users/{name}/password", users.set_password, Right.USERS),
    Page("POST", "/users/{name}/disable", users.disable, Right.USERS),
    Page("POST", "/users/{name}/enable", users.enable, Right.USERS),
)


def beside(desk: Desk, rest: ASGIApp) -> Starlette:
    """The pages of `desk` at /desk, everything else by `rest`; / leads to the desk."""
    home = Route("/", RedirectResponse("/desk/", 307))
    return Starlette(routes=[home, Mount("/desk", application(desk)), Mount("/", rest)])


def application(desk: Desk) -> Starlette:
    """The pages of `desk`, to be mounted anywhere."""
    routes = [Route(page.path, _endpoint(desk, page), methods=[page.method]) for page in PAGES]
    return Starlette(routes=[*routes, Route("/static/{version}/{name}", _static, methods=["GET"])])


def _endpoint(desk: Desk, page: Page) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        posted = page.method == "POST"
        if posted and not _is_short(request):
            return PlainTextResponse(f"A form has at most {_MOST_BYTES:,} bytes.", 413)
        form = await request.form(max_files=1, max_part_size=_MOST_CHARS) if posted else FormData()
        # The store and the engine are synchronous: a thread waits for them, and no other request does.
        return await run_in_threadpool(_answer, desk, page, request, form)

    return endpoint


def _is_short(request: Request) -> bool:
    """Whether the body says its length, and that can be read into memory."""
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= _MOST_BYTES


def _answer(desk: Desk, page: Page, request: Request, form: FormData) -> Response:
    """The answer to one request: whoever may not have the page gets none of it."""
    here = door.visitor(desk, request)
    asked = Asked(desk, request, form, here)
    try:
        response = _refused(asked, page, here) or page.answer(asked)
    except Refused as refusal:
        status = 404 if isinstance(refusal, Unknown) else 409
        response = asked.refusal(status, "That does not go now", str(refusal))
    except AttuneError as error:
        log.warning("A page failed: %s", error, extra={"action": "page_failed"})
        response = asked.refusal(503, "The desk cannot do that just now", f"{error} Try again in a moment.")
    if not here.known and "set-cookie" not in response.headers:
        door.let_in(response, here.token, request, desk.settings)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _refused(asked: Asked, page: Page, here: Visitor) -> Response | None:
    """Why the page is not given; None where it is."""
    if page.right is not None and here.who is None:
        return _to_login(asked)
    if page.right is not None and here.who is not None and not may(here.who.role, page.right):
        told = f"This page is not for the role {here.who.role}. An admin can give you another."
        return asked.refusal(403, "Not for your role", told)
    given = asked.said("csrf")
    if page.method == "POST" and not door.trusted(asked.request, given, here):
        told = "The page was made for another login. Load it again and repeat what you did; text is kept."
        return asked.refusal(403, "This page is too old", told)
    return None


def _to_login(asked: Asked) -> Response:
    if asked.desk.settings.alone:
        return PlainTextResponse("One-user mode answers to localhost and 127.0.0.1 alone.", 421)
    if asked.part or asked.request.method == "POST":
        return asked.refusal(401, "You are logged out", "Log in again; what you typed is kept.")
    back = asked.request.url.path.removeprefix(asked.root)
    return RedirectResponse(f"{asked.root}/login?{urlencode({'to': back})}", 303)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {path.name for path in STATIC.iterdir()}:
        return PlainTextResponse("There is no such file.", 404)
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return FileResponse(STATIC / name, headers=kept)
