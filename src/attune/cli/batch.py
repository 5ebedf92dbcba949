"""`attune batch`: every record of files answered, into one file of rows and one of failures."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from attune import connect
from attune.batch.manifest import manifest_file
from attune.batch.prompts import PLAIN, template
from attune.batch.rows import errors_file
from attune.batch.work import Done, Plan, Stand, work
from attune.cli.drain import Drain
from attune.cli.options import configured
from attune.cli.parameters import generating
from attune.cli.progress import Shown, shown
from attune.cli.verb import Verb
from attune.cli.working import engine_of
from attune.config import Config
from attune.handle import Act
from attune.limits import Limits
from attune.visible import visible

_PATH = click.Path(path_type=Path)


def _planned(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what a plan is made of; the command gets `plan`."""

    @click.argument("inputs", nargs=-1, required=True, metavar="IN…")
    @click.argument("out", metavar="OUT", type=_PATH)
    @click.option("--prompt", metavar="NAME|TEXT", help="A prompt's name, or one with {text_inputs} in it.")
    @click.option("--prompts", metavar="FILE", type=_PATH, help="Prompts of your own by name, in TOML.")
    @click.option("--ordered", is_flag=True, help="Rows in the order of the input, not as they are done.")
    @click.option("--fresh", is_flag=True, help="Begin anew: what OUT and its neighbours hold is removed.")
    @functools.wraps(command)
    def with_plan(
        inputs: tuple[str, ...], out: Path, prompt: str | None, prompts: Path | None, **passed: Any
    ) -> Any:
        made = template(prompt, prompts) if prompt else PLAIN
        parts = {name: passed.pop(name) for name in ("given", "ordered", "fresh")}
        return command(plan=Plan(inputs, out, template=made, **parts), **passed)

    planned: Callable[..., Any] = with_plan
    return planned


@click.command(
    cls=Verb,
    examples=(
        "attune batch articles.jsonl summaries.jsonl --prompt summarize --max-new-tokens 60",
        "attune batch 'parts/*.jsonl.gz' rows.jsonl --prompt 'Translate to French: {text_inputs}' --ordered",
        "attune batch requests.jsonl answers.jsonl   # OpenAI's batch file",
        "attune batch chats.jsonl outcomes.jsonl --task triage",
        "attune batch summaries.errors.jsonl again.jsonl --prompt summarize   # those that failed",
    ),
    codes=(
        "0: every record has its row, failures included. 1: not one was answered, or the counts do not "
        "reconcile. 2: usage, settings, or rows of another job. 3: the engine. 130: Ctrl-C, drained."
    ),
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@generating
@_planned
@configured("engine", "task", "in_flight", "tries", "timeout_s", "max_chat_bytes", "max_engine_failures")
def batch(config: Config, plan: Plan, quiet: bool, as_json: bool) -> int:
    """Answers every record of IN (files, folders, globs; also .gz, .zst) by a row of OUT.

    A record is a JSON object a line: a text with "text_inputs", a chat, or a request of OpenAI's batch
    file. Those that fail go to OUT's neighbour .errors.jsonl, with reason and input. The same command goes
    on where it ended, after Ctrl-C as after kill -9.
    """
    done, interrupted = _worked(plan, config, quiet)
    if as_json:
        click.echo(json.dumps(_to_json(done, plan, interrupted)))
    else:
        for line in _lines(done, plan, interrupted):
            click.echo(visible(line, lines=True))
    return _exit_code(done, interrupted)


def _worked(plan: Plan, config: Config, quiet: bool) -> tuple[Done, int | None]:
    """What came of the plan, and the exit code of a signal that ended it."""
    limits = Limits(**{field.name: getattr(config, field.name) for field in fields(Limits)})
    with engine_of(config) as engine, shown(lambda: 0.0, quiet) as progress, Drain() as drain:
        act = Act(connect.task(config.task, config.engine), engine, config.tries, config.timeout_s)
        done = work(plan, act, limits, drain.event, lambda stand: _show(progress, stand))
        return done, drain.exit_code


def _show(progress: Shown, stand: Stand) -> None:
    counts = stand.counts
    speed = f"{stand.per_s:,.1f} records/s, {stand.tokens_per_s:,.0f} tokens/s"
    progress.show(stand.fraction, f"{speed}, ok {counts.ok:,} failed {counts.failed:,}")


def _lines(done: Done, plan: Plan, interrupted: int | None) -> Iterator[str]:
    stand, counts = done.stand, done.stand.counts
    undone = f" + undone {done.undone:,}" if done.undone else ""
    yield f"in {done.read:,} = ok {counts.ok:,} + failed {counts.failed:,}{undone}"
    if stand.before:
        yield f"{stand.before:,} were done before"
    if new := counts.done - stand.before:
        yield f"{new:,} records in {stand.seconds:.1f} s: {stand.per_s:,.1f} records/s"
    for reason, number in counts.reasons.most_common():
        yield f"failed: {number:,} {reason}"
    if counts.failed:
        yield f"They are in {errors_file(plan.out)}, ready to be given as IN again"
    if interrupted is not None:
        yield "Stopped. Go on with the same command."
    if not done.reconciled:
        yield "THE COUNTS DO NOT RECONCILE: please report this, with the manifest"


def _to_json(done: Done, plan: Plan, interrupted: int | None) -> dict[str, Any]:
    stand, counts = done.stand, done.stand.counts
    return {
        "in": done.read,
        "ok": counts.ok,
        "failed": counts.failed,
        "undone": done.undone,
        "done_before": stand.before,
        "reasons": dict(counts.reasons),
        "prompt_tokens": counts.prompt_tokens,
        "output_tokens": counts.output_tokens,
        "seconds": round(stand.seconds, 3),
        "records_per_s": round(stand.per_s, 3),
        "reconciled": done.reconciled,
        "interrupted": interrupted is not None,
        "files": [str(path) for path in (plan.out, errors_file(plan.out), manifest_file(plan.out))],
    }


def _exit_code(done: Done, interrupted: int | None) -> int:
    if not done.reconciled:
        return 1
    if interrupted is not None:
        return interrupted
    return 1 if done.stand.counts.failed and not done.stand.counts.ok else 0
