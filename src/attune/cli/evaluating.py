"""What `attune eval` does with its options, and how it tells a terminal what came of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from attune.cli.table import show as show_table
from attune.cli.working import engine_of
from attune.config import Config
from attune.errors import AttuneError
from attune.measure.wording import apart, between, chance, main_measures, shown, signed
from attune.visible import visible

if TYPE_CHECKING:
    from attune.measure.evaluation import Evaluation, Part
    from attune.measure.figure import Figure
    from attune.measure.rows import Unreadable
    from attune.measure.run import Run

_QUIET_S = 2.0
_LINE_EVERY_S = 5.0
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of `attune eval` that say what is scored."""

    predictions: str | None
    gold_file: str
    against: str | None
    ask: bool
    save: Path | None
    by: tuple[str, ...]
    asked: tuple[str, ...]
    only_answered: bool
    resamples: int
    shown: int


class Telling:
    """Shows what is done and how much of it, once it takes more than two seconds: a bar on a terminal, with
    the time left, else a line now and then."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._last = quiet, time.monotonic() + _QUIET_S - _LINE_EVERY_S
        columns = (SpinnerColumn(), BarColumn(bar_width=16), TaskProgressColumn())
        told = (TimeRemainingColumn(compact=True), TextColumn("{task.description}", markup=False))
        self._bar = Progress(*columns, *told, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=1.0)
        self._what, self._shown, self._began = "", False, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._bar.stop()

    def tell(self, what: str, fraction: float) -> None:
        if self._quiet:
            return
        if sys.stderr.isatty():
            self._draw(what, fraction)
        elif time.monotonic() - self._last >= _LINE_EVERY_S:
            self._last = time.monotonic()
            click.echo(f"{fraction:.0%} {what}", err=True)

    def reading(self, what: str) -> Callable[[float], None]:
        return lambda fraction: self.tell(what, fraction)

    def _draw(self, what: str, fraction: float) -> None:
        if what != self._what:
            self._what = what
            self._bar.reset(self._task, description=visible(what), total=1.0)
        if not self._shown and time.monotonic() - self._began > _QUIET_S:
            self._shown = True
            self._bar.start()
        self._bar.update(self._task, completed=fraction)


def evaluated(config: Config, wanted: Wanted, telling: Telling) -> Evaluation:
    """The evaluation that the options ask for: by language where gold says it and nothing else is wanted."""
    from attune.measure.evaluate import evaluate
    from attune.measure.evaluation import Settings
    from attune.measure.gold import fields_of
    from attune.measure.inputs import gold_of, run_of, wanted_of
    from attune.measure.run import join

    gold = gold_of(wanted.gold_file, telling.reading("reading gold"))
    columns = wanted_of(gold, wanted.by, wanted.asked)
    runs = [_first(config, wanted, columns, telling)]
    if wanted.against:
        runs.append(run_of(wanted.against, config.task, columns, telling.reading("reading the other run")))
    shared = set.intersection(*(run.columns for run in runs))
    fields = fields_of(gold, wanted.asked, shared, all(run.has_text for run in runs))
    by = wanted.by or (("language",) if "language" in gold.columns else ())
    settings = Settings(by, wanted.resamples, wanted.shown, wanted.only_answered)
    return evaluate(gold, [join(gold, run) for run in runs], fields, settings, telling.tell)


def _first(config: Config, wanted: Wanted, columns: set[str], telling: Telling) -> Run:
    from attune import connect
    from attune.handle import Act
    from attune.measure.inputs import asked_of, run_of
    from attune.measure.rows import Unreadable
    from attune.measure.run import collect

    if wanted.predictions:
        return run_of(wanted.predictions, config.task, columns, telling.reading("reading predictions"))
    task = connect.task(config.task, config.engine)
    done = telling.reading(f"asking {config.engine}")
    with engine_of(config) as engine:
        act = Act(task, engine, config.tries, config.timeout_s)
        rows = asked_of(wanted.gold_file, act, config.in_flight, wanted.save, done)
        return collect(engine.model, rows, Unreadable(), columns)


def write(path: Path, found: Evaluation) -> None:
    """The page of the evaluation."""
    from attune.measure.report import page

    try:
        path.write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise AttuneError(f"{visible(str(path))} cannot be written: {error.strerror or error}") from error
    click.echo(f"report: {visible(str(path))}", err=True)


def show(found: Evaluation) -> None:
    """The evaluation as tables, with what did not match said first."""
    for line in _counted(found):
        click.echo(visible(line))
    parts = [found.answers, *(each.part for each in found.scores)]
    click.echo()
    _table([row for part in parts for row in _rows(part)], len(found.runs) > 1)
    for column in dict.fromkeys(each.column for each in found.groups):
        click.echo()
        _groups(found, column)


def _counted(found: Evaluation) -> Iterator[str]:
    gold = found.gold
    yield f"gold {gold.name}: {len(gold.ids):,} rows{_named('doubled ids', gold.doubled)}"
    yield from _bad(gold.bad)
    for run in found.runs:
        missing = len(run.missing)
        told = f"{run.name}: {len(gold.ids) - missing:,} of them predicted"
        yield told + _named("missing", run.missing) + _named("not in gold", run.unknown)
        if run.doubled or run.failed:
            told = _named("doubled ids, of which the first counts", run.doubled) + _named(
                "failed", run.failed
            )
            yield f"{run.name}{told}"
        yield from _bad(run.bad)
    kinds = ", ".join(f"{each.asked.name} ({each.asked.kind})" for each in found.scores)
    yield f"scored: {kinds}; 95 % intervals from {found.settings.resamples:,} resamples"


def _named(what: str, ids: Sequence[str]) -> str:
    more = ", …" if len(ids) > _NAMED else ""
    return f"; {len(ids):,} {what}: {', '.join(ids[:_NAMED])}{more}" if ids else ""


def _bad(bad: Unreadable) -> Iterator[str]:
    if bad.count:
        yield f"  {bad.count:,} rows could not be read, the first: {bad.first[0]}"


def _rows(part: Part) -> Iterator[list[str]]:
    other = part.figures[1] if len(part.figures) > 1 else ()
    for number, each in enumerate(part.figures[0]):
        row = [each.field, each.name, shown(each.value), each.unit, between(each), f"{each.count:,}"]
        if other:
            less = part.differences[number]
            row[5:] = [shown(other[number].value), signed(less.value), apart(less), chance(less.p)]
        yield row


def _table(rows: Sequence[Sequence[str]], two: bool) -> None:
    beside = ("against", "difference", "95 %", "p") if two else ("of",)
    show_table(("field", "measure", "figure", "unit", "95 %", *beside), rows)


def _groups(found: Evaluation, column: str) -> None:
    names = main_measures(found)
    rows = []
    for group in (each for each in found.groups if each.column == column):
        values = {(each.field, each.name): each for each in group.part.figures[0]}
        cells = [_cell(values.get(name)) for name in names]
        rows.append([group.value, f"{group.part.rows:,}", *cells])
    show_table((column, "rows", *(f"{field} {name}" for field, name in names)), rows)


def _cell(figure: Figure | None) -> str:
    return "–" if figure is None else f"{shown(figure.value)} ({between(figure)})"
