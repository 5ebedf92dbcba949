"""`attune dead`: look at dead letters, and try them again."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from attune.cli.options import RUN, configured
from attune.cli.verb import Verb
from attune.cli.working import store_of, tell, work
from attune.config import Config
from attune.errors import AttuneError
from attune.outcome import Reason
from attune.store import DeadLetter, Store
from attune.visible import visible

_REASON = click.Choice([str(reason) for reason in Reason])
_PREVIEW_BYTES = 500


@click.group()
def dead() -> None:
    """Dead letters: the inputs that could not be read or answered."""


@dead.command(
    "list",
    cls=Verb,
    examples=("attune dead list --reason bad_input", "attune dead list --json | jq -r .key"),
    codes="0: the store could be read. 2: usage or settings. 4: the store.",
)
@click.option("--reason", type=_REASON, help="Only those with this reason.")
@click.option("--limit", type=click.IntRange(1), help="At most so many, the oldest first.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@configured("store")
def list_letters(config: Config, reason: str | None, limit: int | None, as_json: bool) -> None:
    """Lists dead letters, the oldest first."""
    with store_of(config, make=False) as store:
        letters = store.dead(Reason(reason) if reason else None, limit)
        for letter in letters:
            click.echo(json.dumps(_told(letter)) if as_json else _listed(letter))


@dead.command(
    "show",
    cls=Verb,
    examples=("attune dead show 2441", "attune dead show 2441 --raw > letter.json"),
    codes="0: shown. 2: there is no such dead letter. 4: the store.",
)
@click.argument("key")
@click.option("--raw", is_flag=True, help="Write the input's bytes to stdout as they came, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("store")
def show(config: Config, key: str, raw: bool, as_json: bool) -> None:
    """Shows the dead letter KEY: why it is one, each answer that was given, and how the input began."""
    with store_of(config, make=False) as store:
        letter = store.dead_letter(key)
    if letter is None:
        raise AttuneError(f"there is no dead letter {visible(key)}; see: attune dead list")
    if raw:
        sys.stdout.buffer.write(letter.raw)
    elif as_json:
        click.echo(json.dumps(_told(letter) | {"attempts": [asdict(each) for each in letter.attempts]}))
    else:
        for line in _lines(letter):
            click.echo(line)


@dead.command(
    "replay",
    cls=Verb,
    examples=(
        "attune dead replay 2441",
        "attune dead replay --reason engine_failed",
        "attune dead replay --all",
    ),
    codes="As of attune run; 1 where every one of them died again.",
)
@click.argument("keys", nargs=-1, metavar="[KEY]…")
@click.option("--reason", type=_REASON, help="All with this reason.")
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--only-enqueue", is_flag=True, help="Leave the work to the next attune run.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@configured(*RUN)
def replay(
    config: Config,
    keys: tuple[str, ...],
    reason: str | None,
    every: bool,
    only_enqueue: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Puts dead letters back into the queue, and works through the queue."""
    if bool(keys) + bool(reason) + every != 1:
        raise click.UsageError("say which: one or more KEY, or --reason REASON, or --all")
    with store_of(config, make=False) as store:
        back = _put_back(store, keys, reason)
        if only_enqueue or not back:
            click.echo(json.dumps({"replayed": back}) if as_json else f"{back:,} back in the queue")
            return 0
        if not as_json:
            click.echo(f"{back:,} back in the queue")
        return tell(work(config, store, None, False, quiet), as_json, config)


def _put_back(store: Store, keys: tuple[str, ...], reason: str | None) -> int:
    if not keys:
        return store.replay(reason=Reason(reason)) if reason else store.replay(all=True)
    missing = [key for key in keys if store.dead_letter(key) is None]
    if missing:
        raise AttuneError(f"there is no dead letter {visible(missing[0])}; nothing was put back")
    return store.replay(keys)


def _listed(letter: DeadLetter) -> str:
    key, ref, detail = (visible(text) for text in (letter.key, letter.ref, letter.detail))
    return f"{click.style(key, bold=True)}  {letter.reason}\n    {ref}: {detail}"


def _lines(letter: DeadLetter) -> Iterator[str]:
    yield f"key        {visible(letter.key)}"
    yield f"came from  {visible(letter.ref)}"
    yield f"when       {datetime.fromtimestamp(letter.created_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield f"task       {letter.task} ({letter.task_version})"
    yield f"reason     {letter.reason}"
    yield f"detail     {visible(letter.detail)}"
    for number, attempt in enumerate(letter.attempts, 1):
        fault = visible(attempt.error) or "it fits"
        yield f"answer {number}   {attempt.task}, {attempt.seconds:.2f} s: {fault}"
        if attempt.text:
            yield f"           {visible(attempt.text)}"
    yield f"input      {len(letter.raw):,} bytes:"
    yield f"           {visible(letter.raw[:_PREVIEW_BYTES].decode('utf-8', 'backslashreplace'))}"


def _told(letter: DeadLetter) -> dict[str, Any]:
    """The letter as JSON, which has no bytes: `raw` as text where it is UTF-8, else `raw_base64`."""
    told = asdict(letter) | {"reason": str(letter.reason)}
    raw = told.pop("raw")
    told.pop("attempts")
    try:
        return told | {"raw": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return told | {"raw_base64": base64.b64encode(raw).decode("ascii")}
