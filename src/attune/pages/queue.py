"""The page of the queue: what waits, the oldest first."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from starlette.responses import Response

from attune.pages import words
from attune.pages.asked import FILTERS, Asked
from attune.pages.toast import toast
from attune.store.desk.queue import Waiting, Waits, Wanted
from attune.store.desk.sorts import Sorts

SIZE = 50
AGES = (("", "Any time"), ("900", "15 min or more"), ("3600", "1 h or more"), ("14400", "4 h or more"),
        ("86400", "1 day or more"), ("259200", "3 days or more"))  # fmt: skip
_AGAIN_S = 20
"""Without any change a part is made anew this often: how long items wait, and leases that ran out."""


@dataclass(frozen=True, slots=True)
class Line:
    """An item of the queue, as `person` sees it; `arms` is whether there are several to tell apart."""

    item: Waiting
    person: str
    arms: bool

    @property
    def number(self) -> int:
        return self.item.number

    @property
    def title(self) -> str:
        return words.title(self.item.values)[:300]

    @property
    def mood(self) -> words.Mood:
        return words.mood(self.item.values)

    @property
    def language(self) -> str:
        return words.tag(self.item.language)

    @property
    def facts(self) -> str:
        """Language, channel and arm, in words."""
        arm = f"arm {self.item.arm}" if self.arms and self.item.arm else ""
        told = (words.language(self.item.language), self.item.channel or "", arm)
        return " · ".join(each for each in told if each)

    @property
    def waits_s(self) -> float:
        return self.item.waits_s

    @property
    def holder(self) -> str | None:
        return self.item.holder

    @property
    def assignee(self) -> str | None:
        return self.item.assignee

    @property
    def mine(self) -> bool:
        return self.item.holder == self.person

    @property
    def assigned_to_me(self) -> bool:
        return self.item.assignee == self.person

    @property
    def open_to_me(self) -> bool:
        """Whether a click claims it."""
        return self.holder in (None, self.person) and self.assignee in (None, self.person)


class Select(NamedTuple):
    """A filter."""

    label: str
    name: str
    options: list[tuple[str, str]]
    key: str = ""


@dataclass(frozen=True)
class View:
    """What the template of the queue shows."""

    asked: Asked
    sorts: Sorts
    waits: Waits
    mine: tuple[Line, ...]
    waiting: tuple[Line, ...]
    after: int
    last: int
    """The number of the last line, where there may be more behind it; 0 where there are none."""
    tag: str
    size: int = SIZE

    @property
    def chosen(self) -> dict[str, str]:
        return {name: self.asked.query(name) for name in FILTERS}

    @property
    def selects(self) -> list[Select]:
        """The filters by sort: models and arms only where there are several."""
        return [
            Select("Language", "language", self._options("language", words.LANGUAGES, "All languages"), "f"),
            Select("Channel", "channel", self._options("channel", {}, "All channels")),
            *(
                Select(name.capitalize(), name, options)
                for name in ("model", "arm")
                if len(options := self._options(name, {}, f"All {name}s")) > 2 or self.chosen[name]
            ),
        ]

    def _options(self, name: str, names: Mapping[str, str], every: str) -> list[tuple[str, str]]:
        """What open items have, and what is chosen though none has it any more."""
        there = {*getattr(self.sorts, f"{name}s"), self.chosen[name]} - {""}
        return words.pairs(sorted(there), names, every)

    @property
    def ages(self) -> tuple[tuple[str, str], ...]:
        return AGES

    @property
    def target_s(self) -> float:
        return self.asked.desk.settings.target_s

    @property
    def search(self) -> str:
        return self.asked.search

    @property
    def open(self) -> str:
        """The count in the navigation: of all that is open, whatever the filters."""
        return str(self.asked.desk.pulse.open or "")

    @property
    def title(self) -> str:
        return f"({self.open}) Queue · attune" if self.open else "Queue · attune"

    @property
    def told(self) -> str:
        """The sums, in a line."""
        held = f", {self.waits.held:,} in somebody's hands" if self.waits.held else ""
        oldest = f". The oldest waits {words.span(self.waits.oldest_s)}" if self.waits.oldest_s else ""
        return f"{words.several(self.waits.open, 'item')}{held}{oldest}."

    @property
    def part(self) -> str:
        """The address of the lines alone, behind the root."""
        after = f"{'&' if self.search else '?'}after={self.after}" if self.after else ""
        return f"{self.search}{after}"

    @property
    def first(self) -> str:
        return f"{self.asked.root}/{self.search}"

    @property
    def next(self) -> str:
        return f"{self.first}{'&' if self.search else '?'}after={self.last}" if self.last else ""


def show(asked: Asked) -> Response:
    """The queue; a script that has it already as it is gets nothing."""
    tag = f'"{asked.desk.pulse.change}.{int(time.time() / _AGAIN_S)}"'
    if asked.part and asked.request.headers.get("if-none-match") == tag:
        return Response(status_code=304)
    view = _view(asked, tag)
    if asked.part:
        return asked.page("queue_lines.html", queue=view)
    return asked.page("queue.html", "Queue", queue=view, toast=toast(asked))


def take_next(asked: Asked) -> Response:
    """Claim the oldest item that the filters leave; where none is free, the queue says so."""
    lease = asked.desk.store.reviews.claim_next(asked.person, asked.desk.settings.lease_s, asked.wanted)
    return asked.to("/" if lease is None else f"/items/{lease.number}")


def _view(asked: Asked, tag: str) -> View:
    after = _number(asked.query("after"))
    reviews, wanted = asked.desk.store.reviews, asked.wanted
    sorts = reviews.sorts()

    def lines(which: Wanted, after: int) -> tuple[Line, ...]:
        found = reviews.waiting(which, after, SIZE)
        return tuple(Line(each, asked.person, len(sorts.arms) > 1) for each in found)

    mine = () if after else lines(replace(wanted, held_by=asked.person), 0)
    held = {line.number for line in mine}
    page = lines(wanted, after)
    waiting = tuple(line for line in page if line.number not in held)
    last = page[-1].number if len(page) == SIZE else 0
    return View(asked, sorts, reviews.waits(asked.person, wanted), mine, waiting, after, last, tag)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
