"""`attune run`: work through a source, or the queue."""

from __future__ import annotations

from contextlib import closing, nullcontext

import click

from attune import connect
from attune.cli.options import RUN, configured
from attune.cli.verb import Verb
from attune.cli.working import Outlets, store_of, tell, work
from attune.config import Config


@click.command(
    cls=Verb,
    examples=(
        "attune run chats.jsonl",
        "attune run exports/ --in-flight 64 --store postgresql://attune@db/attune",
        "tail -F chats.log | attune run - --follow",
        "attune run 'kafka://broker:9092/chats?group=attune' --follow --sink kafka://broker:9092/outcomes",
    ),
    codes=(
        "0: every input ended in its place, dead letters included. 1: not one chat could be read, the "
        "counts do not reconcile, or a sink is behind. 2: usage or settings. 3: the engine. 4: the store. "
        "130: Ctrl-C, drained."
    ),
)
@click.argument("sources", nargs=-1, metavar="[SOURCE]…")
@click.option("--follow", is_flag=True, help="Go on at the end: files grow, the queue is filled.")
@click.option(
    "--sink", "sinks", multiple=True, metavar="ADDRESS", help="Where outcomes go besides; again for more."
)
@click.option("--stop-with-sink", is_flag=True, help="Stop reading when a sink fails.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@configured(*RUN)
def run(
    config: Config,
    sources: tuple[str, ...],
    follow: bool,
    sinks: tuple[str, ...],
    stop_with_sink: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Works through SOURCE, or through the queue where none is given.

    A SOURCE is a file of chats, a JSON object a line (.jsonl, .jsonl.gz, .jsonl.zst), a folder of
    them, a glob, - for stdin, or a broker's address. Ctrl-C finishes what is in flight and stops; twice,
    it stops at once. Nothing is lost either way: run the same command again.
    """
    source = connect.source(sources, config.max_chat_bytes, follow)
    with closing(source) if source else nullcontext(), store_of(config) as store:
        outlets = Outlets(sinks, stop_with_sink)
        return tell(work(config, store, source, follow, quiet, outlets=outlets), as_json, config)
