"""`attune enqueue`: put inputs into the store's queue, for a run to work through."""

from __future__ import annotations

import json
from contextlib import closing

import click

from attune import connect
from attune.cli.drain import Drain
from attune.cli.options import configured
from attune.cli.verb import Verb
from attune.cli.working import store_of
from attune.config import Config
from attune.feed import identify
from attune.sources import Source
from attune.store import Store

_AT_ONCE = 500
_WAIT_S = 0.2


@click.command(
    cls=Verb,
    examples=("attune enqueue chats.jsonl", "tail -F chats.log | attune enqueue -"),
    codes="0: what was read is in the queue, durably. 2: usage or settings. 4: the store. 130: Ctrl-C.",
)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
@click.option("--follow", is_flag=True, help="Go on at the end of the files, as they grow.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@configured("store", "max_chat_bytes")
def enqueue(config: Config, sources: tuple[str, ...], follow: bool, as_json: bool) -> int:
    """Puts the inputs of SOURCE into the queue, which `attune run` without a source works through.

    An input that waits there already is not put there twice.
    """
    source = connect.source(sources, config.max_chat_bytes, follow)
    if source is None:
        raise click.UsageError("the queue cannot be put into itself: name a file, a folder, a glob or -")
    with closing(source), store_of(config) as store, Drain() as drain:
        added, repeated = _fill(store, source, config.max_chat_bytes, drain)
    told = {"added": added, "repeated": repeated}
    click.echo(json.dumps(told) if as_json else f"added {added:,}, in the queue before {repeated:,}")
    return drain.exit_code or 0


def _fill(store: Store, source: Source, max_chat_bytes: int, drain: Drain) -> tuple[int, int]:
    added = repeated = 0
    while not drain.event.is_set() and (deliveries := source.receive(_AT_ONCE, _WAIT_S)) is not None:
        if deliveries:
            done = store.enqueue([identify(each.raw, each.ref, max_chat_bytes) for each in deliveries])
            source.ack(deliveries)
            added, repeated = added + done.added, repeated + done.repeated
    return added, repeated
