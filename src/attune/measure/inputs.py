"""Inputs: gold and runs from files, a store, or an engine that is asked on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

from attune import connect
from attune.errors import AttuneError
from attune.handle import Act, handle
from attune.measure.gold import Gold, chat_of, gather
from attune.measure.rows import Row, Unreadable, read
from attune.measure.run import Run, collect
from attune.outcome import Outcome, Place
from attune.store import Store
from attune.visible import visible

Done = Callable[[float], None]
_STORES = (".db", ".sqlite", ".sqlite3")
_BESIDE = ("language", "channel")


def gold_of(name: str, done: Done) -> Gold:
    """The gold in a file."""
    bad = Unreadable()
    return gather(visible(Path(name).name), read(name, bad, done), bad)


def run_of(address: str, task: str, wanted: set[str], done: Done) -> Run:
    """The predictions in a file, or of `task` in a store."""
    bad = Unreadable()
    if "://" not in address and Path(address).suffix not in _STORES:
        return collect(visible(Path(address).name), read(address, bad, done), bad, wanted)
    with connect.store(address, make=False) as store:
        name = Path(store.address).name
        return collect(visible(name), _of_store(store, task), bad, wanted)


def wanted_of(gold: Gold, by: tuple[str, ...], asked: tuple[str, ...]) -> set[str]:
    """The columns of predictions that an evaluation may need."""
    named = (each.partition(":")[0].rpartition("=")[2] for each in asked)
    return {*gold.columns, *by, *named, *_BESIDE, "draft"} - {"id", "custom_id"}


def asked_of(name: str, act: Act, in_flight: int, save: Path | None, done: Done) -> Iterator[Row]:
    """What the engine says of each chat of gold, in the order of completion; also written to `save`.

    Raises AttuneError where gold holds no chat, and where `save` cannot be written.
    """
    rows = (_prediction(outcome) for outcome in _outcomes(name, act, in_flight, done))
    if save is None:
        yield from rows
        return
    try:
        with save.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                yield row
    except OSError as error:
        raise AttuneError(f"{visible(str(save))} cannot be written: {error.strerror or error}") from error


def _outcomes(name: str, act: Act, in_flight: int, done: Done) -> Iterator[Outcome]:
    chats = (chat for row in read(name, Unreadable(), done) if (chat := chat_of(row)))
    waiting: set[Future[Outcome]] = set()
    asked = 0
    with ThreadPoolExecutor(in_flight) as pool:
        while True:
            for chat in islice(chats, in_flight - len(waiting)):
                waiting.add(pool.submit(handle, chat, act))
                asked += 1
            if not waiting:
                break
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)
    if not asked:
        raise AttuneError(
            f"{visible(name)}: no row holds a chat (turns, text or chat_message) to be asked about"
        )


def _prediction(outcome: Outcome) -> Row:
    error = f"{outcome.reason}: {outcome.detail}" if outcome.place is Place.DEAD else None
    row: Row = {"id": outcome.key, "place": str(outcome.place), **outcome.values}
    return row | {"draft": outcome.draft, "flags": list(outcome.flags), "error": error}


def _of_store(store: Store, task: str) -> Iterator[Row]:
    """The newest outcome of each chat as a row, with its draft where it is in review."""
    seen = set[str]()
    for each in store.outcomes(task=task, newest_first=True):
        if each.key in seen:
            continue
        seen.add(each.key)
        beside = {"id": each.key, "language": each.language, "channel": each.channel}
        review = store.review(each.key, task, each.task_version) if each.place is Place.REVIEW else None
        yield beside | dict(each.values) | {"place": str(each.place), "draft": review and review.draft}
