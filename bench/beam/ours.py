"""Handle with the embedded model on Beam's direct runner, and what Beam and Handle add to a chat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam

from attune import connect
from attune.beam import Handle, ParseChats
from attune.beam.item import item_of
from attune.chat import Chat, parse_chat
from attune.handle import Act, handle
from attune.outcome import Place
from bench.beam.ends import Ends, Took
from bench.pipeline import sample, unread


class Numbered(beam.DoFn):
    """Makes chats where they are needed, so that no list of them is in memory."""

    def process(self, numbers: range) -> Iterator[bytes]:
        for number in numbers:
            yield b'{"id": %d, "user_id": 7, "text": "Order %d is late, where is it?"}' % (number, number)


def pocket(chats: list[Chat]) -> Took:
    """What `chats` took, none of which the engine has read before."""
    ends = Ends()
    began = time.perf_counter()
    with beam.Pipeline("FnApiRunner") as pipeline:
        handled = pipeline | beam.Create(chats) | Handle("pocket")
        for place, ended in zip(Place, handled.all, strict=True):
            ended | f"Note {place}" >> beam.Map(ends.note)
    return Took(time.perf_counter() - began, ends.seconds())


def warm_pocket() -> None:
    """Loads the engine of this process."""
    pocket(unread(sample(16), "warm-"))


def scripted(elements: int) -> float:
    """Seconds for so many elements through ParseChats and Handle with an engine that answers at once."""
    return _timed(elements, lambda lines: (lines | ParseChats() | Handle("scripted:")).all)


def maps(elements: int) -> float:
    """The same elements through plain Maps: parsed, and passed on."""
    return _timed(elements, lambda lines: (lines | "Parse" >> beam.Map(item_of) | "Pass" >> beam.Map(_same),))


def act(elements: int) -> float:
    """The act alone on the same chats: one thread, no Beam."""
    doing = Act(connect.task("triage", "scripted:"), connect.engine("scripted:"))
    began = time.perf_counter()
    for line in Numbered().process(range(elements)):
        handle(parse_chat(line), doing)
    return time.perf_counter() - began


def _same(element: Any) -> Any:
    return element


def _timed(elements: int, steps: Any) -> float:
    parts = [range(start, min(start + 1000, elements)) for start in range(0, elements, 1000)]
    began = time.perf_counter()
    with beam.Pipeline("FnApiRunner") as pipeline:
        lines = pipeline | beam.Create(parts) | beam.Reshuffle() | beam.ParDo(Numbered())
        steps(lines) | "All" >> beam.Flatten() | beam.combiners.Count.Globally()
    return time.perf_counter() - began
