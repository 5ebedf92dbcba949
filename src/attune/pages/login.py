"""The page of the login, and leaving."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from attune.desk.refusal import Refused
from attune.pages import door
from attune.pages.asked import Asked
from attune.store.desk.sessions import TooMany


@dataclass(frozen=True, slots=True)
class _Login:
    name: str
    to: str
    refusal: str = ""


def show(asked: Asked) -> Response:
    if asked.who is not None:
        return asked.to("/")
    return asked.page("login.html", login=_Login("", asked.query("to")))


def enter(asked: Asked) -> Response:
    """Begin a session, with a cookie of its own: one that was there before is none of it."""
    settings = asked.desk.settings
    name = asked.said("name").strip().lower()
    try:
        session = asked.desk.store.sessions.login(
            name, asked.said("password"), door.address(asked.request), settings.session_s
        )
    except Refused as refusal:
        status = 429 if isinstance(refusal, TooMany) else 403
        kept = _Login(name, asked.said("to"), str(refusal))
        return asked.page("login.html", status=status, login=kept)
    response = asked.to(_inside(asked.said("to")))
    door.let_in(response, session.token, asked.request, settings)
    return response


def leave(asked: Asked) -> Response:
    asked.desk.store.sessions.logout(asked.token)
    response = asked.to("/login")
    response.delete_cookie(door.COOKIE, path=asked.root or "/")
    return response


def _inside(path: str) -> str:
    """A page of this desk to go on to; whatever could lead elsewhere is the queue."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if inside else "/"
