"""The commands: one file per verb, loaded when it is called, and one boundary that prints errors."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import click

from attune.errors import AttuneError
from attune.log import without_passwords
from attune.visible import visible

STARTED = time.monotonic()
"""When the command began, as near as we can say."""
VERBS: Mapping[str, str] = {
    "demo": "attune.cli.demo",
    "run": "attune.cli.run",
    "batch": "attune.cli.batch",
    "serve": "attune.cli.serve",
    "enqueue": "attune.cli.enqueue",
    "status": "attune.cli.status",
    "results": "attune.cli.results",
    "dead": "attune.cli.dead",
    "eval": "attune.cli.eval",
    "tasks": "attune.cli.tasks",
    "users": "attune.cli.users",
    "audit": "attune.cli.audit",
    "replies": "attune.cli.replies",
    "arms": "attune.cli.arms",
    "models": "attune.cli.models",
    "adapters": "attune.cli.adapters",
    "tune": "attune.cli.tune",
    "loop": "attune.cli.loop",
    "check": "attune.cli.check",
    "beam": "attune.cli.beam",
}


class _Verbs(click.Group):
    """Imports a verb's file when it is needed: a command does not pay for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = getattr(import_module(VERBS[cmd_name]), cmd_name)
        assert isinstance(command, click.Command)
        return command


def _version() -> str:
    try:
        return version("attune")
    except PackageNotFoundError:
        return "not installed"


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="attune")
def attune() -> None:
    """Reads every finished customer chat with a language model that you run yourself.

    Happy and neutral chats become table rows, unhappy ones review items with a drafted reply,
    and what cannot be read a dead letter. Try: attune demo
    """


def main() -> None:
    """Runs the command line and exits; docs/commands.md lists the exit codes."""
    sys.exit(_exit_code())


def _exit_code() -> int:
    try:
        code = attune.main(prog_name="attune", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except AttuneError as error:
        _say(without_passwords(visible(str(error), lines=True)))
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return 130
    except BrokenPipeError:
        # The reader has enough (`attune results | head`). Python would complain again while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _say(text: str) -> None:
    click.echo(f"attune: {text}", err=True)
