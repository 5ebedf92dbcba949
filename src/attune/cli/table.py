"""Tables for people: rich on a terminal, tab-separated lines in a pipe. Cells are data, never markup."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attune.visible import visible

_NARROW = 24


def show(columns: Sequence[str], rows: Iterable[Sequence[str]], wide: Sequence[str] = ()) -> None:
    """Prints `rows`; the columns in `wide` may wrap, the others keep to a line."""
    if not sys.stdout.isatty():
        click.echo("\t".join(columns))
        for row in rows:
            click.echo("\t".join(visible(cell) for cell in row))
        return
    table = Table(box=SIMPLE, header_style="bold", pad_edge=False)
    for name in columns:
        if name in wide:
            # The first of them is what is read; the others are remarks.
            table.add_column(name, overflow="fold", ratio=3 if name == wide[0] else 1)
        else:
            table.add_column(name, overflow="ellipsis", no_wrap=True, max_width=_NARROW)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    Console().print(table)
