"""`attune demo`: the main job on the sample chats, in a folder of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from attune import connect
from attune.cli import STARTED, story
from attune.cli.options import configured
from attune.cli.verb import Verb
from attune.cli.working import reckoning, store_of, work
from attune.config import Config
from attune.errors import AttuneError
from attune.outcome import Outcome, Place
from attune.settling import Counts
from attune.sources import Source
from attune.visible import visible

MARK = ".attune-demo"
_OWN = (MARK, "demo.db", "demo.db-wal", "demo.db-shm", "results.csv")
_SHOWN = 2


@dataclass(slots=True)
class Seen:
    """What the demo remembers of a run: when the first verdict came, and a few outcomes to show."""

    first_s: float = 0.0
    outcomes: dict[Place, list[Outcome]] = field(default_factory=lambda: {place: [] for place in Place})

    def watch(self, outcomes: Sequence[Outcome], counts: Counts) -> None:
        self.first_s = self.first_s or time.monotonic() - STARTED
        for outcome in outcomes:
            # English ones first: most who try a demo read it.
            chosen = sorted([*self.outcomes[outcome.place], outcome], key=_foreign)
            self.outcomes[outcome.place] = chosen[:_SHOWN]


@click.command(
    cls=Verb,
    examples=("attune demo", "attune demo --folder /tmp/attune --engine openvino:models/gemma"),
    codes="As of attune run: 0 done and the counts reconcile, 2 usage, 3 engine, 4 store, 130 Ctrl-C.",
)
@click.option("--folder", type=click.Path(path_type=Path), default="attune-demo", help="[attune-demo]")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@configured("engine", "task", "in_flight", "tries", "timeout_s")
def demo(config: Config, folder: Path, quiet: bool) -> int:
    """Works through the sample chats in a new folder, and shows what became of them.

    An earlier demo's files in that folder are replaced; a folder with anything else in it is left alone.
    """
    source = samples(config)
    clear(folder)
    config = replace(config, store=str(folder / "demo.db"))
    seen = Seen()
    with closing(source), store_of(config) as store:
        done = work(config, store, source, False, quiet, seen.watch)
        click.echo(reckoning(done.counts))
        if done.interrupted is None:
            results = folder / "results.csv"
            story.export(store, connect.task(config.task, config.engine), results)
            letters = list(store.dead(limit=_SHOWN))
            story.tell(seen.outcomes, letters, done.counts, seen.first_s, Path(config.store), results)
    return done.exit_code


def samples(config: Config) -> Source:
    source = connect.source([str(connect.SAMPLES)], config.max_chat_bytes)
    assert source is not None
    return source


def clear(folder: Path, own: tuple[str, ...] = _OWN) -> None:
    """Makes the folder. Only one with the demo's mark loses files, and only the demo's `own`."""
    shown = visible(str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / MARK).is_file():
            raise AttuneError(f"the folder {shown} is there and is no demo's: choose another with --folder")
        for name in own:
            (folder / name).unlink(missing_ok=True)
        (folder / MARK).write_text(
            "made by attune demo, which replaces its own files here\n", encoding="utf-8"
        )
    except OSError as error:
        why = f"the folder {shown} cannot be used: {error.strerror}; choose another with --folder"
        raise AttuneError(why) from error


def _foreign(outcome: Outcome) -> bool:
    language = (outcome.chat or {}).get("language")
    return language not in (None, "en")
