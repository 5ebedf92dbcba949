"""`attune tasks`: what can be asked of the model about a chat."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from attune import connect
from attune.chat import Chat, Role, Turn
from attune.cli.options import configured
from attune.cli.table import show as show_table
from attune.cli.verb import Verb
from attune.config import Config
from attune.errors import AttuneError
from attune.prompt import Style, render
from attune.task import BUILT_IN, Task, load
from attune.visible import visible

_SAMPLE = Chat(
    id="1",
    user_id="221",
    turns=(
        Turn(Role.CUSTOMER, "My order 48213 came cold and an hour late. I am really annoyed."),
        Turn(Role.AGENT, "Sorry to hear that. I have refunded the delivery."),
    ),
    language="en",
)


@click.group()
def tasks() -> None:
    """Tasks: what is asked of the model about each chat."""


@tasks.command(
    "list", cls=Verb, examples=("attune tasks list",), codes="0: listed. 2: a task cannot be used."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@configured("engine")
def list_tasks(config: Config, as_json: bool) -> None:
    """Lists the built-in tasks, and those that the model brings: of the same name, the model's counts."""
    own = connect.task_folder(config.engine)
    found = {
        path.stem: path for folder in (BUILT_IN, own) if folder for path in sorted(folder.glob("*.toml"))
    }
    told = [_told(load(path), path) for path in found.values()]
    if as_json:
        for each in told:
            click.echo(json.dumps(each))
        return
    rows = (
        (each["name"], each["version"], ", ".join(each["columns"]), each["review"] or "") for each in told
    )
    show_table(("task", "version", "fields", "drafts by"), rows)


@tasks.command(
    "show",
    cls=Verb,
    examples=("attune tasks show triage", "attune tasks show ./complaints.toml"),
    codes="0: shown. 2: there is no such task, or it cannot be used.",
)
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("engine")
def show(config: Config, name: str, as_json: bool) -> None:
    """Shows the task NAME: its fields and columns, its questions where it has a T5's, the prompt for a
    sample chat and an answer."""
    task = connect.task(name, config.engine)
    if as_json:
        asks = {name: asdict(ask) for name, ask in task.asks.items()}
        shown = {"prompt": _prompt(task), "asks": asks, "answer": _answer(task)}
        click.echo(json.dumps(_told(task, None) | shown))
        return
    click.echo(f"{task.name}, version {task.version}\n")
    show_table(
        ("field", "column", "what the model is told"), [(f.name, f.column, f.describe()) for f in task.fields]
    )
    if task.ask:
        click.echo("\nAsked one field at a time:\n")
        rows = [(name, ask.question, ", ".join(ask.labels)) for name, ask in task.asks.items()]
        show_table(("field", "question after the chat", "options, in words"), rows)
    for title, text in (("Prompt for a sample chat", _prompt(task)), ("An answer that fits", _answer(task))):
        click.echo(f"\n{title}:\n")
        click.echo("\n".join(f"    {visible(line)}" for line in text.splitlines()))
    if task.escalation:
        when = ", ".join(f"{name} is {' or '.join(map(str, v))}" for name, v in task.escalation.when.items())
        click.echo(f"\nA review item when {when}; its reply is drafted by {task.escalation.draft.name}.")


@tasks.command(
    "check",
    cls=Verb,
    examples=("attune tasks check complaints.toml",),
    codes="0: the file is a task. 2: it is not, and why.",
)
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Says whether FILE is a task that can be used, and what is wrong with it where it is not."""
    if file.suffix != ".toml":
        raise AttuneError(f"{visible(str(file))}: a task is a .toml file")
    task = load(file)
    click.echo(f"{visible(str(file))} is fine: task {task.name}, version {task.version}")


def _told(task: Task, path: Path | None) -> dict[str, Any]:
    return {
        "name": task.name,
        "version": task.version,
        "columns": {part.name: part.column for part in task.fields},
        "review": task.escalation.draft.name if task.escalation else None,
        "file": str(path) if path else None,
    }


def _prompt(task: Task) -> str:
    rendered = render(task.request(_SAMPLE).prompt, Style.GEMMA)
    return "\n".join((rendered.head + "\n".join(rendered.lines) + rendered.tail).splitlines())


def _answer(task: Task) -> str:
    from attune.testing import fill

    return fill(task.request(_SAMPLE))
