"""The door: who is asking, and whether what they send comes from a page of this desk."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from attune.desk.roles import Role
from attune.pages.desk import Desk
from attune.pages.frame import Person
from attune.pages.settings import Settings

COOKIE = "attune_desk"
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Alone:
    """The one person of a desk in one-user mode."""

    name: str
    role: Role = Role.ADMIN


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser: its token is a session's, or one that only holds a visitor's forms together."""

    token: str
    known: bool
    """Whether the browser has the cookie already."""
    who: Person | None

    @property
    def csrf(self) -> str:
        """What every form of this visitor holds, and a page of another site cannot know."""
        return hashlib.sha256(f"csrf {self.token}".encode()).hexdigest()


def visitor(desk: Desk, request: Request) -> Visitor:
    """Who comes with `request`."""
    token = _token(request, desk.settings)
    if desk.settings.alone:
        who: Person | None = Alone(desk.settings.alone) if _is_local(request) else None
    else:
        who = desk.store.sessions.person(token) if token else None
    return Visitor(token or secrets.token_urlsafe(32), token != "", who)


def let_in(response: Response, token: str, request: Request, settings: Settings) -> None:
    """Give the browser its cookie: a random token, signed, and nothing else."""
    response.set_cookie(
        COOKIE,
        signed(token, settings),
        max_age=int(settings.session_s),
        path=str(request.scope.get("root_path", "")) or "/",
        secure=settings.secure or request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def signed(token: str, settings: Settings) -> str:
    """The token as a cookie holds it."""
    return f"{token}.{_signature(token, settings)}"


def trusted(request: Request, given: str, here: Visitor) -> bool:
    """Whether what is posted comes from a page of this desk: its origin is ours, and it has the token."""
    origin = request.headers.get("origin")
    ours = origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
    same_site = request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return ours and same_site and hmac.compare_digest(given.encode(), here.csrf.encode())


def address(request: Request) -> str:
    """Where the request comes from, for the pause after failed logins."""
    return request.client.host if request.client else ""


def _token(request: Request, settings: Settings) -> str:
    """The token of the cookie; "" where there is none, or its signature is not ours."""
    token, _, signature = request.cookies.get(COOKIE, "").rpartition(".")
    fits = hmac.compare_digest(signature.encode(), _signature(token, settings).encode())
    return token if token and fits else ""


def _signature(token: str, settings: Settings) -> str:
    return hmac.new(settings.key, token.encode(), hashlib.sha256).hexdigest()


def _is_local(request: Request) -> bool:
    """In one-user mode the browser must believe to talk to this machine: a name that somebody else made
    lead here would let their pages in."""
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    return name in _LOCAL
