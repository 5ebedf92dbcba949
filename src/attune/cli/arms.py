"""`attune arms`: which engines, adapters and tasks serve, each with its share of the chats."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from attune.adapters.kept import find, served
from attune.arms import Arm, Refused, Split
from attune.cli.adding import OWN
from attune.cli.adding import add as join
from attune.cli.arms_report import report
from attune.cli.gate import Gate
from attune.cli.options import configured
from attune.cli.table import show
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config
from attune.errors import BadConfig
from attune.given import of_flags
from attune.serving import sampling_of, task_of
from attune.store import Store
from attune.store.arms import Change

_CODES = "0: done. 1: refused, and nothing was changed. 2: usage or settings. 3: an engine. 4: the store."


def _person() -> str:
    """Who is logged in, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"


@click.group()
def arms() -> None:
    """Arms: engines, adapters and tasks side by side, each with its share of the chats."""


arms.add_command(report)


def _changing(name: str, *examples: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command of the group that changes the arms: with --by, --reason, --json and the store."""

    def decorate(command: Callable[..., None]) -> click.Command:
        made = configured("store")(command) if name != "add" else command
        made = click.option("--json", "as_json", is_flag=True, help="Print the split as a JSON object.")(made)
        made = click.option(
            "--by", default=_person, help="Who does it, for the history.", show_default=False
        )(made)
        made = click.option("--reason", default="", help="Why, for the history.")(made)
        return arms.command(name, cls=Verb, examples=examples, codes=_CODES)(made)

    return decorate


@_changing(
    "add",
    "attune arms add b --adapter ko-bakery@epoch12 --weight 0.1",
    "attune arms add big --engine openvino:/models/gemma --gold gold.jsonl --reason 'writes better'",
    "attune arms add cascade --drafter openvino:/models/gemma --sampling temperature=0.7 --gold gold.jsonl",
)
@click.argument("name")
@click.option("--weight", type=float, default=0.1, help="Its share of all chats, 0 to 1. [0.1]")
@click.option("--engine", metavar="ADDRESS", default="", help="Its engine. [that of the workers' settings]")
@click.option("--adapter", metavar="NAME[@epochN]", help="An adapter, or a path to one, on that engine.")
@click.option("--task", metavar="TASK", default="", help="What it asks. [that of the workers' settings]")
@click.option("--drafter", metavar="ADDRESS", default="", help="A larger engine that drafts for it.")
@click.option("--sampling", metavar="NAME=VALUE", multiple=True, help="How it draws drafts; again for more.")
@click.option("--gold", metavar="FILE", help="Ask it, and what serves most chats, about these chats now.")
@click.option("--margin", type=float, default=2.0, help="Points of a hundred that it may be worse by. [2]")
@click.option("--force", is_flag=True, help="Whatever its figures are; needs --reason.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@configured("store", "adapters", "in_flight", "tries", "timeout_s")
def add(
    config: Config, name: str, gold: str | None, margin: float, force: bool, quiet: bool, **given: Any
) -> None:
    """Adds the arm NAME, and running workers serve it as soon as they have loaded it.

    It is refused where its figures on chats that it has not seen are worse than those of the base: figures of
    an adapter's record, or of --gold. In the first split the workers' own engine is the arm `base`.
    """
    if force and not given["reason"]:
        raise click.UsageError("--force needs --reason: the history keeps why")
    adapter = find(given["adapter"], Path(config.adapters).expanduser()) if given["adapter"] else None
    arm = _arm(name, adapter, config, given)
    gate = None if force else Gate(margin, gold, quiet)
    with store_of(config) as store:
        split, told = join(store, arm, config, gate, adapter, given["by"], given["reason"])
    if told:
        click.echo(told, err=True)
    _tell(split, given["as_json"])


@_changing("weight", "attune arms weight b 0.5", "attune arms weight b 0 --reason 'it is too curt'")
@click.argument("name")
@click.argument("weight", type=float)
def weight(config: Config, name: str, weight: float, **given: Any) -> None:
    """Gives the arm NAME another share of all chats; only chats that come to it or leave it are moved."""
    _change(config, "weight", name, lambda split: split.weighed(name, weight), **given)


@_changing("remove", "attune arms remove b --reason 'no better than base'")
@click.argument("name")
def remove(config: Config, name: str, **given: Any) -> None:
    """Takes the arm NAME out: its chats go to the others, and workers let its model go."""
    _change(config, "remove", name, lambda split: split.removed(name), **given)


@_changing("promote", "attune arms promote b --reason 'better, see the report of 3 May'")
@click.argument("name")
def promote(config: Config, name: str, **given: Any) -> None:
    """Gives all chats to the arm NAME. The others stay loaded, so that a rollback takes a moment."""
    _change(config, "promote", name, lambda split: split.promoted(name), **given)


@_changing("rollback", "attune arms rollback --reason 'complaints'")
def rollback(config: Config, reason: str, by: str, as_json: bool) -> None:
    """Goes back to the arms before the last change, and with each further rollback one change more."""
    with store_of(config, make=False) as store:
        live, before = store.arms.live(), store.arms.before()
        if live is None or before is None:
            raise Refused("there are no arms before these: attune arms history")
        split = replace(before.split, version=live.version + 1)
        store.arms.write(Change(split, "rollback", "", by, reason, before.origin))
    _tell(split, as_json)


@arms.command("list", cls=Verb, examples=("attune arms list", "attune arms list --json"), codes=_CODES)
@click.option("--json", "as_json", is_flag=True, help="Print the split as a JSON object.")
@configured("store")
def list_arms(config: Config, as_json: bool) -> None:
    """Lists the arms that serve."""
    with store_of(config, make=False) as store:
        split = store.arms.live() or replace(OWN, version=0)
    if as_json:
        _tell(split, as_json)
        return
    rows = [
        (
            each.name,
            f"{each.weight:.4g}",
            each.engine or "(workers')",
            each.task or "(workers')",
            _drafts(each),
        )
        for each in split.arms
    ]
    show(("arm", "weight", "engine", "task", "drafts"), rows, wide=("engine", "drafts"))


@arms.command(
    cls=Verb, examples=("attune arms history", "attune arms history --json | jq -r .person"), codes=_CODES
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@configured("store")
def history(config: Config, as_json: bool) -> None:
    """Lists every change of the arms, the newest first: when, who, what and why."""
    with store_of(config, make=False) as store:
        changes = store.arms.history()
    if as_json:
        for each in changes:
            told = {"at": each.at, "person": each.person, "action": each.action, "arm": each.arm}
            click.echo(
                json.dumps(told | {"reason": each.reason, "back_to": each.back_to, **asdict(each.split)})
            )
        return
    rows = [
        (
            str(each.split.version),
            _time(each.at),
            each.person,
            _action(each),
            _weights(each.split),
            each.reason,
        )
        for each in changes
    ]
    show(("version", "at", "who", "what", "arms", "why"), rows, wide=("why", "arms"))


def _change(
    config: Config,
    action: str,
    name: str,
    change: Callable[[Split], Split],
    reason: str,
    by: str,
    as_json: bool,
) -> None:
    with store_of(config, make=False) as store:
        split = change(_live(store))
        store.arms.write(Change(split, action, name, by, reason))
    _tell(split, as_json)


def _live(store: Store) -> Split:
    live = store.arms.live()
    if live is None:
        raise Refused("there is only what the workers were started with; another arm: attune arms add NAME")
    return live


def _arm(name: str, adapter: Path | None, config: Config, given: dict[str, Any]) -> Arm:
    """The arm that the options describe. Raises BadConfig for what no worker could serve."""
    engine = served(given["engine"], adapter) if adapter else given["engine"]
    task = given["task"]
    task = str(Path(task).absolute()) if task.endswith(".toml") else task
    arm = Arm(engine, task, name, given["weight"], _sampling(given["sampling"]), given["drafter"])
    sampling_of(arm)
    task_of(arm.on(Arm(config.engine, config.task)))
    return arm


def _sampling(pairs: Sequence[str]) -> Mapping[str, Any]:
    if bad := [pair for pair in pairs if "=" not in pair]:
        raise BadConfig(f"--sampling {bad[0]}: needs NAME=VALUE, like temperature=0.7")
    return of_flags(dict(pair.split("=", 1) for pair in pairs))


def _tell(split: Split, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(split)))
    else:
        click.echo(f"version {split.version}: {_weights(split)}")


def _weights(split: Split) -> str:
    return ", ".join(f"{arm.name} {arm.weight:.4g}" for arm in split.arms)


def _drafts(arm: Arm) -> str:
    drawn = " ".join(f"{name}={value}" for name, value in arm.sampling.items())
    return " ".join(part for part in (f"by {arm.drafter}" if arm.drafter else "", drawn) if part)


def _action(change: Change) -> str:
    back = "" if change.back_to is None else f" to {change.back_to}"
    return f"{change.action} {change.arm}".rstrip() + back


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
