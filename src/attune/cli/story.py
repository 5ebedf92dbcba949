"""What the demo shows at its end: the counts, examples of each outcome, and where to go from there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from shutil import which

import click
from rich.box import ROUNDED
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from attune.export import columns, row, write_csv
from attune.outcome import Outcome, Place
from attune.settling import Counts
from attune.store import DeadLetter, Store
from attune.task import Task
from attune.visible import visible

_TITLES = {
    Place.TABLE: ("Happy or neutral: a table row", "green"),
    Place.REVIEW: ("Unhappy: a review item with a drafted reply", "yellow"),
    Place.DEAD: ("Unreadable: a dead letter", "red"),
}
_WIDTH = 80
_NAME_WIDTH = 10
_TURNS = 6
_CHARS = 220


def export(store: Store, task: Task, path: Path) -> None:
    """Writes the outcomes as the CSV file `path`."""
    rows = (row(each, task) for each in store.outcomes(task=task.name) if each.place is not Place.DEAD)
    with path.open("wb") as file:
        write_csv(rows, columns(task), file)


def tell(
    outcomes: Mapping[Place, Sequence[Outcome]],
    letters: Sequence[DeadLetter],
    counts: Counts,
    first_s: float,
    store: Path,
    results: Path,
) -> None:
    """Prints it: panels and colours on a terminal, plain lines elsewhere."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    console.width = min(console.width, _WIDTH)
    with console.capture() as captured:
        for place, examples in (
            (Place.TABLE, [_example(each) for each in outcomes[Place.TABLE]]),
            (Place.REVIEW, [_example(each) for each in outcomes[Place.REVIEW]]),
            (Place.DEAD, [_letter(each) for each in letters]),
        ):
            console.print(*_block(place, examples, console.is_terminal), sep="\n")
        console.print(_facts(counts, first_s, store, results))
        console.print(Text("\nTry next", style="bold"))
        for command, why in _next(store):
            console.print(Text(f"  {command}"), Text(f"      {why}", style="dim"), sep="\n", soft_wrap=True)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _block(place: Place, examples: Sequence[Table], framed: bool) -> list[RenderableType]:
    title, colour = _TITLES[place]
    if framed:
        frame = {"title_align": "left", "border_style": colour, "box": ROUNDED}
        return [Panel(each, title=Text(title), **frame) for each in examples]  # type: ignore[arg-type]
    return [Text(f"\n{title}"), *(part for each in examples for part in (Text(), each))]


def _example(outcome: Outcome) -> Table:
    table = _grid()
    turns = (outcome.chat or {}).get("turns", [])
    for turn in turns[:_TURNS]:
        _add(table, turn["role"], _short(turn["text"]), "dim")
    if len(turns) > _TURNS:
        _add(table, "", f"… and {len(turns) - _TURNS} more", "dim")
    for name, value in outcome.values.items():
        _add(table, name, f"{value}{_sure(outcome, name)}", "bold")
    if outcome.draft is not None:
        _add(table, "draft", outcome.draft, "bold")
    for flag in outcome.flags:
        _add(table, "flag", flag, "bold")
    return table


def _letter(letter: DeadLetter) -> Table:
    table = _grid()
    _add(table, "input", _short(letter.raw[: 2 * _CHARS].decode("utf-8", "backslashreplace")), "dim")
    _add(table, "from", Path(letter.ref).name, "bold")
    _add(table, "reason", f"{letter.reason}: {letter.detail}", "bold")
    return table


def _facts(counts: Counts, first_s: float, store: Path, results: Path) -> Table:
    table = _grid()
    rate = counts.settled / counts.seconds if counts.seconds else 0.0
    ends = f"{counts.table:,} table + {counts.review:,} review + {counts.dead:,} dead"
    _add(table, "", "", "")
    _add(table, "chats", f"{counts.read:,} in = {ends}", "bold")
    _add(table, "speed", f"{rate:,.1f} chats/s, the first verdict {first_s:.1f} s after the start", "bold")
    _add(table, "written", f"{store} (everything), {results} (table and review)", "bold")
    return table


def _grid() -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=_NAME_WIDTH, overflow="ellipsis", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _add(table: Table, name: str, value: str, style: str) -> None:
    table.add_row(Text(visible(name), style=style), Text(visible(value, lines=True)))


def _next(store: Path) -> Iterator[tuple[str, str]]:
    attune, where = _command(), f"--store {quote(str(store))}"
    yield f"{attune} results {where} --where sentiment=-1", "the unhappy ones"
    yield f"{attune} dead list {where}", "what could not be read, and why"
    yield f"{attune} run your-chats.jsonl", "your own chats: a JSON object a line"
    yield f"{attune} tasks show triage", "what the model is asked, and how to ask for more"
    yield f"{attune} check", "what is there, and what is missing"


def _command() -> str:
    """What a shell here finds this program by: it may live in an environment that is not on the path."""
    ours = Path(sys.prefix) / "bin" / "attune"
    if which("attune") is not None or not ours.exists():
        return "attune"
    return quote(os.path.relpath(ours) if ours.is_relative_to(Path.cwd()) else str(ours))


def _sure(outcome: Outcome, name: str) -> str:
    return f" ({outcome.confidence[name]:.0%})" if name in outcome.confidence else ""


def _short(said: str) -> str:
    line = " ".join(said.split())
    return line if len(line) <= _CHARS else f"{line[:_CHARS]}…"
