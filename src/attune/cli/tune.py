"""`attune tune`: from some twenty examples, or from what reviewers changed, to an adapter."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attune import config as configuration
from attune.cli.options import configured
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config, Option
from attune.tune.settings import Settings, options

if TYPE_CHECKING:
    from attune.store import Store
    from attune.task import Task
    from attune.tune.base import Base
    from attune.tune.examples import Example, Refused, Tasks
    from attune.tune.pairs import Pair, Thumb
    from attune.tune.run import Plan


def settled(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds a flag for each setting of training; the command gets `settings`, checked."""

    @functools.wraps(command)
    def with_settings(**passed: Any) -> Any:
        flags = {name: passed.pop(name) for name in options()}
        switched = {
            name: True for name, option in options().items() if option.kind is bool and flags.pop(name)
        }
        return command(settings=Settings(**configuration.of_flags(flags, options()), **switched), **passed)

    wrapped: Callable[..., Any] = with_settings
    for option in reversed(list(options().values())):
        wrapped = _flag(option)(wrapped)
    return wrapped


def _flag(option: Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if option.kind is bool:
        return click.option(option.flag, option.name, is_flag=True, help=option.help)
    told = f"{option.help} [{option.default:g}]"
    return click.option(option.flag, option.name, metavar="N" if option.kind is int else "X", help=told)


@click.command(
    cls=Verb,
    examples=(
        "attune tune letters.jsonl --check",
        "attune tune letters.jsonl --name ko-bakery",
        "attune tune --from-reviews --name july --epochs 10",
        "attune tune --from-reviews --prefer dpo --start july --name july-liked",
        "attune tune chats.jsonl letters.csv --name shop --base models/gemma-3-270m-it --rank 16",
        "attune tune hf:owner/name --name shop --license cc-by-4.0",
    ),
    codes=(
        "0: done. 2: usage, settings, or examples that cannot be trained on. 3: the model. 4: the store. "
        "130: Ctrl-C; go on with the same command."
    ),
)
@click.argument("files", nargs=-1, metavar="FILE…")
@click.option("--name", default="", help="What the adapter is called.")
@click.option("--base", default="", metavar="FOLDER", help="A model's Hugging Face files. [the engine's own]")
@click.option(
    "--from-reviews", is_flag=True, help="What reviewers approved, edited and corrected in the store."
)
@click.option(
    "--prefer",
    type=click.Choice(["dpo", "kto"]),
    help="Learn what reviewers like: from edits beside drafts (dpo), or from single approvals, rejections "
    "and stars (kto).",
)
@click.option("--start", default="", metavar="ADAPTER", help="The adapter that --prefer goes on from.")
@click.option("--check", is_flag=True, help="Look at the examples, and train nothing.")
@click.option("--skip-bad", is_flag=True, help="Leave rows out that cannot be trained on, each named.")
@click.option(
    "--epoch", type=click.IntRange(1), help="The epoch that serves. [the best on held-out examples]"
)
@click.option(
    "--folds",
    type=click.IntRange(0, 100),
    help="Parts, each held out once; 1 holds out one in five, 0 none. [4 for fewer than 40 chats, else 1]",
)
@click.option(
    "--samples", type=click.IntRange(0, 100), default=2, help="Held-out answers after each epoch. [2]"
)
@click.option("--license", default="", help="What the card says of the adapter's licence.")
@settled
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("store", "engine", "task", "adapters", "timeout_s")
def tune(config: Config, settings: Settings, files: tuple[str, ...], check: bool, **given: Any) -> None:
    """Tunes the engine's model on examples, and writes an adapter: a LoRA in PEFT's form, its card, a report.

    FILE is JSON lines (also .gz, .zst), CSV or Parquet, with rows {"input", "output"}, which train the task
    that drafts replies, or chats with fields of gold like sentiment, summary and reply; or hf:OWNER/NAME.
    Killed at any moment, the same command goes on.
    """
    from attune.cli import tuning
    from attune.tune.base import open_base
    from attune.tune.examples import Tasks

    base = open_base(given.pop("base"), config.engine)
    task = base.task(config.task)
    reviews, liking, start = (given.pop(name) for name in ("from_reviews", "prefer", "start"))
    told = {name: given.pop(name) for name in ("quiet", "as_json")}
    if liking and (files or not reviews or check):
        raise click.UsageError(
            "--prefer learns from reviews: give --from-reviews, and no FILE and no --check"
        )
    with ExitStack() as stack:
        if liking:
            store = stack.enter_context(store_of(config, make=False))
            plan = _plan(config, base, task, _given(settings), **given)
            tuning.prefer(plan, _liked(store, Tasks.of(task[1]), base, liking), start, **told)
            return
        found = _found(config, files, reviews, Tasks.of(task[1]), stack)
        if check:
            tuning.show_check(base, found, settings.max_tokens, told["as_json"])
        else:
            tuning.run(_plan(config, base, task, settings, **given), found, **told)


def _plan(
    config: Config, base: Base, task: tuple[str, Task], settings: Settings, epoch: int | None, **wanted: Any
) -> Plan:
    from attune.tune.run import Plan

    if not wanted["name"]:
        raise click.UsageError("what is the adapter to be called? Give --name, like --name ko-bakery")
    folder = Path(config.adapters).expanduser()
    return Plan(
        base=base,
        task=task,
        settings=settings,
        adapters=folder,
        epoch=epoch or 0,
        timeout_s=config.timeout_s,
        **wanted,
    )


def _liked(store: Store, tasks: Tasks, base: Base, liking: str) -> Sequence[Pair | Thumb]:
    from attune.tune.pairs import pairs, thumbs

    if liking == "dpo":
        return list(pairs(store, tasks, base.teacher))
    return list(thumbs(store, tasks, base.teacher))


def _given(settings: Settings) -> Settings:
    """The settings for preferences, which have other defaults, with those that were given."""
    from attune.tune.prefer import DEFAULTS

    flags = click.get_current_context().params
    given = {name: getattr(settings, name) for name in options() if flags[name] not in (None, False)}
    return replace(DEFAULTS, **given)


def _found(
    config: Config, files: tuple[str, ...], reviews: bool, tasks: Tasks, stack: ExitStack
) -> Iterator[Example | Refused]:
    from attune.tune.examples import examples
    from attune.tune.reviews import from_reviews

    if not (files or reviews):
        raise click.UsageError("nothing to learn from: give a FILE, or --from-reviews")
    yield from examples(files, tasks)
    if reviews:
        yield from from_reviews(stack.enter_context(store_of(config, make=False)), tasks)
