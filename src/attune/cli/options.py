"""Flags made from the declared options: a command names those it uses and is given a Config."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from attune import config, log

CHATS = (
    "store",
    "engine",
    "task",
    "in_flight",
    "tries",
    "timeout_s",
    "lease_s",
    "keep_chats",
    "max_chat_bytes",
)
"""The options of whatever handles chats and keeps their outcomes."""
RUN = (*CHATS, "max_claims", "max_engine_failures", "metrics_port")
"""The options of every command that works through chats."""
_LOG = ("log_format", "log_level")


def configured(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds --config and the flags of the options `names`; the command gets `config`, loaded and checked.

    Logging is set up on the way.
    """
    taken = (*names, *_LOG)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_config(*args: Any, config_file: Path | None, **given: Any) -> Any:
            flags = {name: given.pop(name) for name in taken}
            settings = config.load(flags, os.environ, config_file)
            log.setup(settings.log_format, settings.log_level)
            return command(*args, config=settings, **given)

        wrapped: Callable[..., Any] = with_config
        for name in reversed(taken):
            wrapped = _flag(config.options()[name])(wrapped)
        path = click.Path(path_type=Path)
        file = click.option(
            "--config", "config_file", type=path, help="Settings; attune.toml if it is there."
        )
        return file(wrapped)

    return decorate


def _flag(option: config.Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    metavar = "|".join(option.among) or {int: "N", float: "SECONDS"}.get(option.kind, option.name.upper())
    # Text for click, whatever the type: all values, wherever they come from, are checked in one place.
    return click.option(option.flag, option.name, metavar=metavar, help=f"{option.help} [{option.default}]")
