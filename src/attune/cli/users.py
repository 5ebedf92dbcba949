"""`attune users`: who may use the review desk, and what they may do there."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

import click

from attune.cli.options import configured
from attune.cli.table import show
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config
from attune.desk.roles import Role

_BY = "command line"
_CODES = "0: done. 1: refused, with the reason. 2: usage or settings. 4: the store."
_ROLE = click.Choice([str(role) for role in Role])


@click.group()
def users() -> None:
    """People of the review desk: their names, roles and passwords."""


@users.command(
    "add",
    cls=Verb,
    examples=("attune users add ann", "attune users add root --role admin < password.txt"),
    codes=_CODES,
)
@click.argument("name")
@click.option("--role", type=_ROLE, default=str(Role.REVIEWER), help="[reviewer]")
@configured("store")
def add(config: Config, name: str, role: str) -> None:
    """Lets NAME use the desk. The password is asked for, or read from stdin's first line."""
    with store_of(config) as store:
        store.users.add(name, Role(role), _password(), _BY)
    click.echo(f"{name} can log in as {role}")


@users.command(
    "list", cls=Verb, examples=("attune users list", "attune users list --json | jq -r .name"), codes=_CODES
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@configured("store")
def list_users(config: Config, as_json: bool) -> None:
    """Lists everybody, those who were shut out too."""
    with store_of(config, make=False) as store:
        found = store.users.all()
    if as_json:
        for user in found:
            click.echo(json.dumps(asdict(user)))
        return
    rows = [(user.name, str(user.role), _day(user.created_at), _day(user.disabled_at)) for user in found]
    show(("name", "role", "since", "disabled"), rows)


@users.command("disable", cls=Verb, examples=("attune users disable ann",), codes=_CODES)
@click.argument("name")
@configured("store")
def disable(config: Config, name: str) -> None:
    """Shuts NAME out at once: their sessions end, and what they held is free for others."""
    with store_of(config, make=False) as store:
        store.users.disable(name, _BY)
    click.echo(f"{name} is shut out; in again: attune users enable {name}")


@users.command("enable", cls=Verb, examples=("attune users enable ann",), codes=_CODES)
@click.argument("name")
@configured("store")
def enable(config: Config, name: str) -> None:
    """Lets NAME in again, with the password and role they had."""
    with store_of(config, make=False) as store:
        store.users.enable(name, _BY)
    click.echo(f"{name} can log in again")


@users.command(
    "password",
    cls=Verb,
    examples=("attune users password ann", "attune users password ann < password.txt"),
    codes=_CODES,
)
@click.argument("name")
@configured("store")
def password(config: Config, name: str) -> None:
    """Gives NAME another password, asked for or read from stdin. All of their sessions end."""
    with store_of(config, make=False) as store:
        store.users.set_password(name, _password(), _BY)
    click.echo(f"{name} has a new password")


@users.command("role", cls=Verb, examples=("attune users role ann lead",), codes=_CODES)
@click.argument("name")
@click.argument("role", type=_ROLE)
@configured("store")
def role(config: Config, name: str, role: str) -> None:
    """Gives NAME another role, at once."""
    with store_of(config, make=False) as store:
        store.users.set_role(name, Role(role), _BY)
    click.echo(f"{name} is {role} now")


def _password() -> str:
    """Never an argument: those are in the shell's history and in the list of processes."""
    if sys.stdin.isatty():
        told: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return told
    return sys.stdin.readline().rstrip("\r\n")


def _day(at: float | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
