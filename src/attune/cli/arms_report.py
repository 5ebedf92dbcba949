"""`attune arms report`: the arms beside one another, and which is better."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import click
from rich.console import Console

from attune.arms import BASE
from attune.cli.options import configured
from attune.cli.since import moment
from attune.cli.table import show
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.compare.report import Cost, Report, compared
from attune.compare.report import report as report_on
from attune.compare.reviewed import Reviewed
from attune.compare.wording import number, percent
from attune.config import Config
from attune.visible import visible


@click.command(
    cls=Verb,
    examples=(
        "attune arms report",
        "attune arms report --base base --arm ko-bakery --json | jq -r '.verdicts[].sentence'",
        "attune arms report --price-per-hour 1.20 --since 7d",
    ),
    codes="0: told, whatever it says. 2: usage or settings. 4: the store.",
)
@click.option("--base", help="The arm to compare with: the oldest that serves, without it.")
@click.option(
    "--arm", "others", multiple=True, help="Compare this one; again for more. All that serve, without it."
)
@click.option(
    "--since", metavar="AGO|DATE", help="Figures from then on; verdicts are of all that both served."
)
@click.option(
    "--price-per-hour", type=click.FloatRange(0), help="What an hour costs in which chats are read."
)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as one JSON object.")
@configured("store")
def report(
    config: Config,
    base: str | None,
    others: tuple[str, ...],
    since: str | None,
    price_per_hour: float | None,
    as_json: bool,
) -> None:
    """Shows what people made of each arm's drafts and what it cost, and says whether an arm is better.

    Each interval, and each verdict, holds however often and whenever it is looked at. Verdicts are by one
    figure, the score: 1 for a draft sent as it is, 0 for a rejected one, else how much an edit let stand.
    """
    start = None if since is None else moment(since)
    with store_of(config, make=False) as store, Console(stderr=True).status("reading the chats"):
        names = compared(store)
        first = base or next(iter(names), BASE)
        arms = (first, *(name for name in others or names if name != first))
        found = report_on(store, arms, time.time(), start, price_per_hour)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
        return
    show(("", *map(visible, found.arms)), _rows(found))
    if found.since:
        click.echo(f"since {datetime.fromtimestamp(found.since, UTC):%Y-%m-%d}")
    if not found.verdicts:
        click.echo("one arm alone: attune arms add --help says how another comes beside it")
    for each in found.verdicts:
        click.echo(visible(each.sentence))


def _rows(found: Report) -> Iterator[tuple[str, ...]]:
    """A line for each figure, a column for each arm."""
    columns = [{**_cost(found.costs.get(name)), **_fate(found.reviewed.get(name))} for name in found.arms]
    for label in dict.fromkeys(label for column in columns for label in column):
        yield (label, *(column.get(label, "–") for column in columns))


def _cost(cost: Cost | None) -> dict[str, str]:
    if cost is None:
        return {}
    price = {} if cost.price is None else {"price of 1,000 chats": number(cost.price, 2)}
    return {
        "chats": f"{cost.chats:,}",
        "dead letters": f"{cost.dead:,}",
        "half are read within": number(cost.p50_s, 2, " s"),
        "99 % are read within": number(cost.p99_s, 2, " s"),
        "seconds a chat": number(cost.seconds, 2),
        "tokens read a chat": number(cost.prompt_tokens, 0),
        "tokens written a chat": number(cost.output_tokens, 0),
        **price,
    }


def _fate(reviewed: Reviewed | None) -> dict[str, str]:
    if reviewed is None:
        return {}
    return {
        "reviews decided": f"{reviewed.decided:,}",
        "score": number(reviewed.score.times(100)),
        "sent as drafted": percent(reviewed.accepted),
        "sent with edits": percent(reviewed.edited),
        "changed by an edit": percent(reviewed.changed),
        "rejected": percent(reviewed.rejected),
        **{f"  {reason}": percent(each) for reason, each in reviewed.reasons.items()},
        "rating": number(reviewed.stars),
        "half are decided within": number(reviewed.waited_s, 0, " s"),
    }
