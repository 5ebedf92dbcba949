"""Flags made from the declared parameters of generation; the command gets `given`, checked."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import click

from attune import given
from attune.config import Option
from attune.generation import parameters


def generating(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds a flag for each parameter of generation. It stands above `configured`, and reads its --config."""

    @functools.wraps(command)
    def with_given(*args: Any, **passed: Any) -> Any:
        flags = {name: passed.pop(name) for name in parameters()}
        return command(*args, given=given.load(flags, os.environ, passed["config_file"]), **passed)

    wrapped: Callable[..., Any] = with_given
    for parameter in reversed(list(parameters().values())):
        wrapped = _flag(parameter)(wrapped)
    return wrapped


def _flag(parameter: Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    names = [
        parameter.flag,
        *(_flag_of(alias) for alias, name in given.ALIASES.items() if name == parameter.name),
    ]
    metavar = {int: "N", float: "X", bool: "true|false"}.get(parameter.kind, "TEXT")
    default = "" if parameter.default in (None, ()) else f" [{str(parameter.default).lower()}]"
    # Text for click, whatever the type: all values, wherever they come from, are checked in one place.
    told: dict[str, Any] = {"metavar": metavar, "help": f"{parameter.help}{default}"}
    return click.option(*names, parameter.name, multiple=parameter.kind is tuple, **told)


def _flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")
