"""What `attune tune` does with its options, and how it tells a terminal what comes of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from attune.cli.progress import steps
from attune.cli.table import show as show_table
from attune.measure.wording import shown
from attune.visible import visible

if TYPE_CHECKING:
    from attune.tune.base import Base
    from attune.tune.check import Checked
    from attune.tune.estimate import Estimate
    from attune.tune.examples import Example, Refused
    from attune.tune.pairs import Pair, Thumb
    from attune.tune.parts import Part
    from attune.tune.run import Plan, Tuned
    from attune.tune.train import Epoch, Step

_NAMED = 3
"""So many findings of a kind are named before a training; --check names all."""
_COLUMNS = ("epoch", "loss", "right", "held-out loss", "held-out right", "ROUGE-L")


def run(plan: Plan, found: Iterable[Example | Refused], quiet: bool, as_json: bool) -> None:
    """Tunes, with a live view on stderr, and prints what came of it."""
    from attune.tune.run import tune

    with View(quiet) as view:
        done = tune(plan, found, view)
    if as_json:
        click.echo(json.dumps(to_json(done), ensure_ascii=False))
    else:
        _show(done)


def prefer(plan: Plan, liked: Sequence[Pair | Thumb], start: str, quiet: bool, as_json: bool) -> None:
    """Tunes on what reviewers liked, going on from the adapter `start`, and prints what came of it."""
    from attune.adapters.kept import find
    from attune.tune.preferred import tune_preferred

    with steps(quiet) as say:
        say(f"learning from {len(liked):,} preferences")
        made, record = tune_preferred(plan, liked, find(start, plan.adapters) if start else None)
    if as_json:
        click.echo(json.dumps({"folder": str(made), **asdict(record)}, ensure_ascii=False))
    else:
        click.echo(f"{plan.name} is there, in {visible(str(made))}")


class View:
    """Shows on stderr what is trained, how well and how long it still takes: a bar on a terminal and a line
    for each epoch, which is all that a pipe gets."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        columns = (SpinnerColumn(), BarColumn(bar_width=16), TimeRemainingColumn(compact=True))
        self._bar = Progress(
            *columns, TextColumn("{task.description}", markup=False), console=self._console, transient=True
        )
        self._task = self._bar.add_task("", total=1.0)
        self._parts: list[str] = []
        self._part, self._number = "", 0

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def checked(self, found: Checked) -> None:
        for line in _checked(found, _NAMED):
            self._say(line)

    def planned(self, parts: Sequence[Part], needed: Estimate) -> None:
        self._parts = [part.name for part in parts]
        trainings = f"{len(parts)} trainings" if parts[1:] else "one training"
        time = f"{needed.seconds / 60:.1f} minutes" if needed.seconds >= 60 else f"{needed.seconds:.0f} s"
        self._say(f"{trainings}, at most {time} and {needed.memory.all / 1e9:.1f} GB of memory")

    def part(self, part: Part) -> None:
        self._part, self._number = part.name, self._parts.index(part.name)

    def step(self, done: Step) -> None:
        speed = done.tokens / done.seconds if done.seconds else 0.0
        told = f"{self._part} epoch {done.epoch}, loss {done.loss:.3f}, {speed:,.0f} tokens/s"
        self.tell(told.strip(), (self._number + done.step / done.steps) / len(self._parts))

    def epoch(self, figures: Epoch) -> None:
        told = f"{self._part} epoch {figures.epoch}".strip()
        told += f": loss {figures.loss:.3f}, {figures.accuracy:.1%} of tokens right"
        if figures.held_out_loss is not None and figures.held_out_accuracy is not None:
            told += f"; held out {figures.held_out_loss:.3f}, {figures.held_out_accuracy:.1%}"
        if (score := figures.more.get("rougeL")) is not None:
            told += f"; samples ROUGE-L {score:.1f}"
        self._say(told)

    def tell(self, what: str, fraction: float) -> None:
        self._bar.update(self._task, completed=fraction, description=visible(what))

    def _say(self, line: str) -> None:
        if not self._quiet:
            self._console.print(Text(visible(line)), soft_wrap=True)


def show_check(base: Base, found: Iterable[Example | Refused], max_tokens: int, as_json: bool) -> None:
    """Prints what is wrong with examples, and the first of them with its trained part marked."""
    from attune.tune.check import check, marked, ready

    checked = check(found, base.teacher, max_tokens)
    if as_json:
        click.echo(json.dumps(_check_to_json(checked), ensure_ascii=False))
    else:
        for line in _checked(checked, len(checked.findings)):
            click.echo(visible(line))
        if checked.lessons:
            click.echo("\nexample 1, what is trained on in bold (in a pipe between « and »):")
            click.echo(_marked(marked(checked.lessons[0], base.teacher)))
    ready(checked, skip_bad=False)


def to_json(done: Tuned) -> dict[str, Any]:
    return {"folder": str(done.folder), **asdict(done.record), "warnings": list(done.warnings)}


def _checked(found: Checked, most: int) -> Iterator[str]:
    told = ", ".join(f"{count:,} {task}" for task, count in found.tasks.items())
    languages = ", ".join(f"{code} {count:,}" for code, count in found.languages.items())
    yield f"{len(found.taught):,} examples ({told or 'none'}) in {languages or 'no language'}"
    yield (
        f"{found.trained:,} tokens are trained on, of {found.tokens:,} in an epoch; the longest example has "
        f"{found.longest:,}"
    )
    for kind in dict.fromkeys(each.kind for each in found.findings):
        alike = [each for each in found.findings if each.kind == kind]
        yield f"{kind}: {len(alike):,}" + (", which cannot be trained on" if alike[0].stops else "")
        yield from (f"  {each.ref}: {each.told}" for each in alike[:most])
        if len(alike) > most:
            yield f"  and {len(alike) - most:,} more: --check names all"


def _check_to_json(found: Checked) -> dict[str, Any]:
    return {
        "examples": len(found.taught),
        "tasks": found.tasks,
        "languages": found.languages,
        "trained_tokens": found.trained,
        "tokens": found.tokens,
        "longest": found.longest,
        "findings": [asdict(each) for each in found.findings],
    }


def _marked(pieces: Sequence[tuple[str, bool]]) -> str:
    bold = sys.stdout.isatty()
    said = [(visible(text, lines=True), trained) for text, trained in pieces]
    if bold:
        return "".join(click.style(text, bold=trained, dim=not trained) for text, trained in said)
    return "".join(f"«{text}»" if trained else text for text, trained in said)


def _show(done: Tuned) -> None:
    record = done.record
    rows = [[_cell(each, name) for name in _FIGURES] for each in record.epochs]
    show_table(_COLUMNS, rows)
    if record.evaluation:
        base, tuned = record.evaluation["base"], record.evaluation["adapter"]
        click.echo()
        show_table(
            ("on held-out examples", "base", "adapter"),
            [(name, shown(base.get(name)), shown(value)) for name, value in tuned.items()],
        )
    for warning in done.warnings:
        click.echo(f"attune: {visible(warning)}", err=True)
    click.echo(f"\n{record.name} is there: epoch {record.chosen}, in {visible(str(done.folder))}")
    click.echo(f"Look at {visible(str(done.folder / 'report.html'))}")


_FIGURES = ("epoch", "loss", "accuracy", "held_out_loss", "held_out_accuracy", "rougeL")


def _cell(figures: Any, name: str) -> str:
    value = figures.get(name)
    if value is None:
        return "–"
    return f"{value:.1%}" if "accuracy" in name else f"{value:g}" if name == "epoch" else f"{value:.3f}"
