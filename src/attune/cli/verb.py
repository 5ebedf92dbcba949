"""The shape of a command: its help ends with examples."""

from __future__ import annotations

from typing import Any

import click


class Verb(click.Command):
    """A command whose help shows `examples`, a line each, and what its exit codes say."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), codes: str = "", **given: Any) -> None:
        super().__init__(*args, **given)
        self.examples = examples
        self.codes = codes

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        if self.codes:
            with formatter.section("Exit codes"):
                formatter.write_text(self.codes)
