"""The page of the users, for admins: who may come in, and as what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from attune.desk.password import MIN_CHARS
from attune.desk.refusal import Refused
from attune.desk.roles import Role
from attune.pages.asked import Asked
from attune.store.desk.users import User

_ROLES = (
    (Role.REVIEWER, "Reviewer: works on drafts"),
    (Role.LEAD, "Lead: gives items to others too, sees the audit"),
    (Role.ADMIN, "Admin: all that, and the users"),
)


@dataclass(frozen=True, slots=True)
class View:
    all: tuple[User, ...]
    refusal: str = ""
    told: str = ""
    roles: tuple[str, ...] = tuple(Role)
    role_choices: tuple[tuple[Role, str], ...] = _ROLES
    min_chars: int = MIN_CHARS


def show(asked: Asked) -> Response:
    return _page(asked)


def add(asked: Asked) -> Response:
    name = asked.said("name").strip().lower()
    done = f"{name} can log in now."
    return _do(
        asked,
        lambda: asked.desk.store.users.add(name, _role(asked), asked.said("password"), asked.person),
        done,
    )


def set_role(asked: Asked) -> Response:
    name, role = _name(asked), _role(asked)
    return _do(
        asked, lambda: asked.desk.store.users.set_role(name, role, asked.person), f"{name} is {role} now."
    )


def set_password(asked: Asked) -> Response:
    name, done = _name(asked), f"{_name(asked)} has a new password, and is logged out everywhere."
    return _do(
        asked, lambda: asked.desk.store.users.set_password(name, asked.said("password"), asked.person), done
    )


def disable(asked: Asked) -> Response:
    name, done = _name(asked), f"{_name(asked)} is locked out; what they held is free."
    return _do(asked, lambda: asked.desk.store.users.disable(name, asked.person), done)


def enable(asked: Asked) -> Response:
    name = _name(asked)
    return _do(asked, lambda: asked.desk.store.users.enable(name, asked.person), f"{name} can log in again.")


def _do(asked: Asked, act: Callable[[], None], done: str) -> Response:
    try:
        act()
    except Refused as refusal:
        return _page(asked, refusal=str(refusal), status=409)
    return _page(asked, told=done)


def _page(asked: Asked, refusal: str = "", told: str = "", status: int = 200) -> Response:
    view = View(asked.desk.store.users.all(), refusal, told)
    return asked.page("users.html", "Users", status, users=view)


def _role(asked: Asked) -> Role:
    said = asked.said("role")
    return Role(said) if said in tuple(Role) else Role.REVIEWER


def _name(asked: Asked) -> str:
    name: str = asked.request.path_params["name"]
    return name
