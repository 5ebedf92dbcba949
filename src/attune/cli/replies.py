"""`attune replies`: approved replies on their way out."""

from __future__ import annotations

import json
import uuid
from contextlib import closing
from dataclasses import asdict

import click

from attune import connect
from attune.cli.drain import Drain
from attune.cli.options import configured
from attune.cli.table import show
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config
from attune.sending import Sending, send_due
from attune.store import Store

_CODES = "0: done. 2: usage or settings. 4: the store."


@click.group()
def replies() -> None:
    """Approved replies: sent, or stuck until a person looks."""


@replies.command(
    "send",
    cls=Verb,
    examples=(
        "attune replies send --replies file:replies.jsonl",
        "attune replies send --replies https://example.com/hook --webhook-secret-file webhook.secret",
        "attune replies send --once --replies kafka://broker:9092/replies",
    ),
    codes="0: ended. 2: usage or settings. 4: the store. 130: Ctrl-C. 143: SIGTERM.",
)
@click.option("--once", is_flag=True, help="Try what is due now, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print what is left as one JSON object.")
@configured("store", "replies", "webhook_secret_file")
def send(config: Config, once: bool, as_json: bool) -> int:
    """Sends approved replies as they fall due, until Ctrl-C. Any number of senders may run."""
    outlet = connect.replies(config.replies, config.webhook_secret_file)
    with store_of(config) as store, Drain() as drain:
        if once:
            with closing(outlet):
                owner = uuid.uuid4().hex
                while send_due(outlet, store, owner) and not drain.event.is_set():
                    """The next few."""
        else:
            with closing(Sending(outlet, store)):
                drain.event.wait()
        _tell(store, as_json)
    return drain.exit_code or 0


@replies.command(
    "list", cls=Verb, examples=("attune replies list", "attune replies list --json | jq .stuck"), codes=_CODES
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("store")
def list_replies(config: Config, as_json: bool) -> None:
    """Says how many replies wait, went out, or are stuck; and lists those that are stuck."""
    with store_of(config, make=False) as store:
        _tell(store, as_json)


@replies.command("resend", cls=Verb, examples=("attune replies resend 12",), codes=f"{_CODES} 1: not stuck.")
@click.argument("number", type=int)
@configured("store")
def resend(config: Config, number: int) -> None:
    """Puts the stuck reply NUMBER back in line, under its old key."""
    with store_of(config, make=False) as store:
        store.outbox.resend(number, "command line")
    click.echo(f"{number} waits to be sent")


@replies.command(
    "read",
    cls=Verb,
    examples=("attune replies read --after 120 | jq -r .reply",),
    codes=_CODES,
)
@click.option("--after", type=click.IntRange(0), default=0, help="Only replies behind this number.")
@click.option("--limit", type=click.IntRange(1), default=1000, help="At most so many. [1,000]")
@configured("store")
def read(config: Config, after: int, limit: int) -> None:
    """Prints replies that went out as JSON lines, in their order: keep the last `seq` for the next time."""
    with store_of(config, make=False) as store:
        for sent in store.outbox.sent(after, limit):
            click.echo(json.dumps({"seq": sent.seq, "sent_at": sent.sent_at, **sent.reply}))


def _tell(store: Store, as_json: bool) -> None:
    load, stuck = store.outbox.load(), store.outbox.stuck()
    if as_json:
        click.echo(json.dumps(asdict(load) | {"stuck": [asdict(each) for each in stuck]}))
        return
    click.echo(f"waiting {load.waiting:,}, sent {load.sent:,}, stuck {load.failed:,}")
    if load.error:
        click.echo(f"the next one failed last time: {load.error}")
    if stuck:
        rows = [(str(each.id), str(each.reply["id"]), str(each.tries), each.error) for each in stuck]
        show(("number", "chat", "tries", "why"), rows, wide=("why",))
