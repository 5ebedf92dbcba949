"""`attune status`: what waits, what was done, how fast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from attune.cli.options import configured
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config
from attune.store import Backlog, Status
from attune.visible import visible


@click.command(
    cls=Verb,
    examples=("attune status", "attune status --json | jq .waiting"),
    codes="0: the store could be read. 2: usage or settings. 4: the store.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("store")
def status(config: Config, as_json: bool) -> None:
    """Shows what waits in the queue, where inputs ended, and how fast it goes."""
    with store_of(config, make=False) as store:
        found, backlogs = store.status(), store.backlogs()
    if as_json:
        click.echo(json.dumps(asdict(found) | {"sinks": [asdict(backlog) for backlog in backlogs]}))
        return
    for name, value in _lines(found):
        click.echo(f"{name:<16} {value}")
    for backlog in backlogs:
        click.echo(f"{'sink':<16} {_sink(backlog)}")


def _lines(found: Status) -> Iterator[tuple[str, str]]:
    yield "waiting", f"{found.waiting:,}"
    if found.oldest_waiting_s is not None:
        yield "oldest waits", _seconds(found.oldest_waiting_s)
    yield "in flight", f"{found.leased:,}"
    for place, count in found.counts.items():
        yield str(place), f"{count:,}"
    yield "last minute", f"{found.per_s_minute:,.2f} chats/s"
    yield "last hour", f"{found.per_s_hour:,.2f} chats/s"
    for name, value in (
        ("half within", found.p50_s),
        ("95 % within", found.p95_s),
        ("99 % within", found.p99_s),
    ):
        if value is not None:
            yield name, _seconds(value)


def _sink(backlog: Backlog) -> str:
    told = f"{backlog.name}, {backlog.task}: {backlog.sent:,} sent, {backlog.waiting:,} wait"
    return visible(f"{told}; it fails: {backlog.error}" if backlog.error else told)


def _seconds(value: float) -> str:
    return (
        f"{value:,.2f} s"
        if value < 120
        else f"{value / 60:,.0f} min"
        if value < 7200
        else f"{value / 3600:,.0f} h"
    )
