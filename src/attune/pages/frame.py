"""The frame around every page: which rooms there are, and how a template becomes a response."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from attune.desk.roles import Right, Role
from attune.pages import words

HERE = Path(__file__).parent
STATIC = HERE / "static"


@dataclass(frozen=True, slots=True)
class Room:
    """A line of the navigation: `key` goes there."""

    name: str
    path: str
    key: str
    right: Right


ROOMS = (
    Room("Queue", "/", "g q", Right.REVIEW),
    Room("Compose", "/compose", "g c", Right.COMPOSE),
    Room("Search", "/search", "g s", Right.INSIGHT),
    Room("Insight", "/insight", "g i", Right.INSIGHT),
    Room("Audit", "/audit", "g a", Right.AUDIT),
    Room("Users", "/users", "g u", Right.USERS),
)


class Person(Protocol):
    """Who is asking."""

    @property
    def name(self) -> str: ...

    @property
    def role(self) -> Role: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page. `root` is where the desk is mounted, "" or "/desk"."""

    root: str
    csrf: str
    person: Person | None = None
    rooms: tuple[Room, ...] = ()
    room: str = ""
    count: int = 0
    theme: str = ""
    can_leave: bool = True
    """Whether there is a session to leave: not in one-user mode."""


def render(template: str, frame: Frame, **values: Any) -> str:
    """The page as text. A name that a template knows and is not given is an error."""
    return _environment().get_template(template).render(frame=frame, **values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    filters = {name: getattr(words, name) for name in ("pieces", "span", "utc", "flag", "tag", "several")}
    made.filters.update(filters, asset=_asset)
    return made


@pass_context
def _asset(context: Context, name: str) -> str:
    """Where a static file is. The address changes with what is in it, so a browser may keep it for ever."""
    return f"{context['frame'].root}/static/{_version()}/{name}"


@cache
def _version() -> str:
    """A fingerprint of all static files: modules import one another, so they change together."""
    found = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]
