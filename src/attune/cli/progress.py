"""What is shown on stderr while something takes its time: a bar or steps on a terminal, else plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from attune.outcome import Outcome
from attune.settling import Counts

_LINE_EVERY_S = 5.0
Fraction = Callable[[], float | None]


class Shown(Protocol):
    """Shows how far a run is. Entered before it begins and left after its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def watch(self, outcomes: Sequence[Outcome], counts: Counts) -> None: ...

    def show(self, done: float | None, told: str) -> None:
        """Shows `told`, and how much is done, 0 to 1."""


def shown(fraction: Fraction, quiet: bool) -> Shown:
    """The way to show progress that suits stderr."""
    if quiet:
        return Silent()
    return Bar(fraction) if sys.stderr.isatty() else Lines(fraction)


class Silent:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def watch(self, outcomes: Sequence[Outcome], counts: Counts) -> None: ...

    def show(self, done: float | None, told: str) -> None: ...


class Lines(Silent):
    """A plain line every few seconds, for logs and pipes."""

    def __init__(self, fraction: Fraction) -> None:
        self._fraction = fraction
        self._last = time.monotonic()

    def watch(self, outcomes: Sequence[Outcome], counts: Counts) -> None:
        self.show(_done(self._fraction(), counts), _told(counts))

    def show(self, done: float | None, told: str) -> None:
        if time.monotonic() - self._last < _LINE_EVERY_S:
            return
        self._last = time.monotonic()
        part = "" if done is None else f"{done:.0%}, "
        click.echo(f"{part}{told}", err=True)


class Bar(Silent):
    """A progress bar with rate, counts, and time left where the source's end is known."""

    def __init__(self, fraction: Fraction) -> None:
        self._fraction = fraction
        ends = fraction() is not None
        known = (TaskProgressColumn(), TimeRemainingColumn(compact=True)) if ends else ()
        told = TextColumn("{task.description}")
        bar = BarColumn(bar_width=16)
        self._bar = Progress(SpinnerColumn(), bar, *known, told, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("waiting for the first answer", total=1.0 if ends else None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def watch(self, outcomes: Sequence[Outcome], counts: Counts) -> None:
        self.show(_done(self._fraction(), counts), _told(counts))

    def show(self, done: float | None, told: str) -> None:
        self._bar.update(self._task, completed=done or 0.0, description=told)


class Steps:
    """Tells the steps of what is done, on stderr: each is called; `watch` tells more of the last one."""

    def __init__(self, quiet: bool, progress: Progress | None) -> None:
        self._quiet, self._progress = quiet, progress
        self._step, self._last = "", time.monotonic()

    def __call__(self, step: str) -> None:
        self._step = step
        if self._progress:
            for task in self._progress.task_ids:
                self._progress.stop_task(task)
            self._progress.add_task(step, total=None)
        elif not self._quiet:
            click.echo(step, err=True)

    def watch(self, told: str) -> None:
        if self._progress:
            self._progress.update(self._progress.task_ids[-1], description=f"{self._step} ({told})")
        elif not self._quiet and time.monotonic() - self._last >= _LINE_EVERY_S:
            self._last = time.monotonic()
            click.echo(told, err=True)


@contextmanager
def steps(quiet: bool) -> Iterator[Steps]:
    """Tells the steps of what is done, on stderr; on a terminal with the time each takes."""
    if quiet or not sys.stderr.isatty():
        yield Steps(quiet, None)
        return
    shown = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*shown, console=Console(stderr=True)) as progress:
        yield Steps(quiet, progress)


def _done(read: float | None, counts: Counts) -> float | None:
    """How much is done: what was read, less what is still in flight."""
    ended = counts.settled + counts.repeated
    return read * ended / counts.read if read is not None and counts.read else read


def _told(counts: Counts) -> str:
    rate = counts.settled / counts.seconds if counts.seconds else 0.0
    places = f"table {counts.table:,} review {counts.review:,} dead {counts.dead:,}"
    return f"{rate:,.1f} chats/s, {places}"
