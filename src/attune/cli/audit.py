"""`attune audit`: who did what at the review desk, checked and taken elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO, Any

import click

from attune.cli.options import configured
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config
from attune.store import Store


@click.group()
def audit() -> None:
    """The audit: who saw, claimed, changed and sent what, and when."""


@audit.command(
    "verify",
    cls=Verb,
    examples=("attune audit verify", "attune audit verify --known 1204:9f2c…"),
    codes="0: whole. 1: a record was changed or is gone. 2: usage or settings. 4: the store.",
)
@click.option("--known", metavar="NUMBER:HASH", help="What an earlier verify printed, kept elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("store")
def verify(config: Config, known: str | None, as_json: bool) -> int:
    """Says whether every record is there as it was written, and prints the last one's number and hash."""
    with store_of(config, make=False) as store:
        checked = store.audit.verify(_known(known))
    last = f"{checked.seq}:{checked.hash}"
    if as_json:
        click.echo(json.dumps(asdict(checked)))
    else:
        told = "whole" if not checked.fault else f"NOT whole: {checked.fault}"
        click.echo(f"{checked.records:,} records, {told}\nlast {last}")
    return 1 if checked.fault else 0


@audit.command(
    "export",
    cls=Verb,
    examples=("attune audit export > audit.jsonl", "attune audit export --subject chat:12"),
    codes="0: written, be it without a record. 2: usage or settings. 4: the store.",
)
@click.option("--subject", help="Only acts on this: chat:NUMBER or user:NAME.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only records behind this number.")
@click.option("--out", type=click.File("w", encoding="utf-8"), default="-", help="Write there; stdout.")
@configured("store")
def export(config: Config, subject: str | None, after: int, out: IO[str]) -> None:
    """Writes the records as JSON lines, oldest first, with their hashes."""
    with store_of(config, make=False) as store:
        for line in _lines(store, subject, after):
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _lines(store: Store, subject: str | None, after: int) -> Iterator[dict[str, Any]]:
    for record in store.audit.records(subject, after):
        yield asdict(record) | {"detail": json.loads(record.detail)}


def _known(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    number, colon, hashed = text.partition(":")
    if not colon or not number.isdecimal():
        raise click.UsageError("--known needs NUMBER:HASH, as attune audit verify prints it")
    return int(number), hashed
