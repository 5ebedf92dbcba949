"""`attune results`: the table of outcomes, to read or to take elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import click

from attune import connect, export
from attune.cli.options import configured
from attune.cli.since import moment
from attune.cli.table import show as show_table
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config
from attune.errors import AttuneError
from attune.outcome import Place
from attune.store import Store
from attune.task import Task
from attune.visible import visible

_WRITERS: Mapping[str, Callable[[Iterator[export.Row], Sequence[export.Column], BinaryIO], None]] = {
    "csv": export.write_csv,
    "jsonl": export.write_jsonl,
    "parquet": export.write_parquet,
}
_SHOWN = 20


@click.command(
    cls=Verb,
    examples=(
        "attune results --where sentiment=-1 --since 2h",
        "attune results --format csv --out results.csv",
        "attune results --format parquet --place table --out results.parquet",
    ),
    codes="0: written, be it without a row. 2: usage or settings. 4: the store.",
)
@click.option("--format", "form", type=click.Choice(["table", *_WRITERS]), default="table", help="[table]")
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file; stdout without it.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only such rows; may be given again.")
@click.option("--language", help="Only chats that came with this language.")
@click.option("--since", metavar="AGO|DATE", help="Only what was written since: 30m, 2h, 7d, or an ISO date.")
@click.option(
    "--place", type=click.Choice(["table", "review"]), help="Only table rows, or only review items."
)
@click.option("--limit", type=click.IntRange(1), help=f"At most so many; a table shows {_SHOWN} without it.")
@configured("store", "engine", "task")
def results(config: Config, form: str, out: Path | None, limit: int | None, **which: Any) -> None:
    """Prints outcomes: a table for people (the newest first), or a stream of rows for programs.

    The columns are those of the task. Chats of all of the task's versions are there, each row with its own.
    """
    task = connect.task(config.task, config.engine)
    if form == "table" and out:
        raise click.UsageError("--out needs --format csv, jsonl or parquet")
    with store_of(config, make=False) as store:
        if form == "table":
            _show(task, islice(_rows(store, task, True, **which), limit or _SHOWN))
            return
        rows = islice(_rows(store, task, False, **which), limit)
        with _opened(out, form) as file:
            _WRITERS[form](rows, export.columns(task), file)


def _rows(
    store: Store,
    task: Task,
    newest_first: bool,
    where: tuple[str, ...],
    language: str | None,
    since: str | None,
    place: str | None,
) -> Iterator[export.Row]:
    found = store.outcomes(
        place=Place(place) if place else None,
        task=task.name,
        language=language,
        since=moment(since) if since else None,
        newest_first=newest_first,
    )
    alive = (export.row(outcome, task) for outcome in found if outcome.place is not Place.DEAD)
    return export.matching(alive, where, export.columns(task))


def _show(task: Task, rows: Iterator[export.Row]) -> None:
    fields = [column.name for column in export.columns(task)[4 : 4 + len(task.fields)]]
    names = ("id", "language", *fields, "place", "flags")
    texts = [part.name for part in task.fields if part.column == "text"]
    show_table(names, ([_shown(row[name]) for name in names] for row in rows), wide=(*texts, "flags"))


def _shown(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


@contextmanager
def _opened(path: Path | None, form: str) -> Iterator[BinaryIO]:
    """The file to write, which is there whole or not at all; or stdout."""
    if path is None:
        if form == "parquet" and sys.stdout.isatty():
            raise click.UsageError("parquet is not for a terminal: give --out FILE")
        yield sys.stdout.buffer
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, path)
    except OSError as error:
        raise AttuneError(f"{visible(str(path))} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
