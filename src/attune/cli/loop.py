"""`attune loop`: what reviewers changed becomes an adapter, and that an arm with a small share."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from attune.cli.drain import Drain
from attune.cli.options import configured
from attune.cli.since import seconds
from attune.cli.tune import settled
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config
from attune.tune.settings import Settings
from attune.visible import visible


@click.command(
    cls=Verb,
    examples=(
        "attune loop",
        "attune loop --least 50 --weight 0.05 --epochs 10",
        "attune loop --every 7d --store postgresql://attune@db/attune",
    ),
    codes=(
        "0: a round is done, whatever came of it. 1: the gate refused the new adapter. 2: usage or settings. "
        "3: the model. 4: the store."
    ),
)
@click.option("--name", default="reviews", help="Its adapters and arms are NAME-1, NAME-2, … [reviews]")
@click.option(
    "--weight", type=click.FloatRange(0, 1, True, True), default=0.1, help="A new arm's share. [0.1]"
)
@click.option("--least", type=click.IntRange(1), default=20, help="New examples that a round needs. [20]")
@click.option("--margin", type=float, default=2.0, help="Points of a hundred that it may be worse by. [2]")
@click.option("--every", metavar="SPAN", help="Go on, a round each 12h, 7d and the like; SIGTERM ends it.")
@settled
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print each round as a JSON object.")
@configured("store", "engine", "task", "adapters", "tries", "timeout_s", "in_flight")
def loop(config: Config, every: str | None, as_json: bool, settings: Settings, **given: Any) -> int:
    """Tunes on what reviewers approved, edited and corrected, and tries the result on a small share of chats.

    A round needs enough new examples, passes the gate of attune arms add, and waits for the arm of the round
    before to be promoted or removed. Only people do that.
    """
    from attune.cli.looping import Loop

    pause = _span(every)
    rounds = Loop(config, settings, **given)
    with store_of(config, make=False) as store, Drain() as drain:
        while True:
            done = rounds.round(store)
            click.echo(json.dumps(asdict(done)) if as_json else visible(done.told, lines=True))
            if pause is None or drain.event.wait(pause):
                return 1 if done.state == "refused" else 0


def _span(every: str | None) -> float | None:
    span = seconds(every) if every else None
    if every and not span:
        raise click.UsageError(f"--every {every}: needs something like 12h or 7d")
    return span
