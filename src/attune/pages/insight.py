"""The insight pages: what came in, how people felt, how long they waited, what became of the drafts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from attune.desk.roles import Right, may
from attune.pages import insight_arms as arms
from attune.pages import insight_figures as figures
from attune.pages import insight_plots as plots
from attune.pages import words
from attune.pages.asked import Asked
from attune.pages.insight_figures import Asking
from attune.pages.insight_picture import Picture, share
from attune.pages.insight_range import RANGES, Range, range_of
from attune.pages.spreadsheet import sheet
from attune.store.desk.insight import Dimension, Frame

_FACTS: tuple[Dimension, ...] = ("language", "channel", "task", "model", "arm")


class Tile(NamedTuple):
    """A figure that is read first."""

    name: str
    value: str
    told: str


@dataclass(frozen=True)
class View:
    """What the template shows."""

    asked: Asked

    @cached_property
    def range(self) -> Range:
        query = self.asked.query
        return range_of(query("range"), query("from"), query("to"), self.asked.now)

    @cached_property
    def chosen(self) -> dict[str, str]:
        return {name: self.asked.query(name) for name in _FACTS}

    @cached_property
    def frame(self) -> Frame:
        facts = {name: value or None for name, value in self.chosen.items()}
        return Frame(self.range.since, self.range.until, self.range.span, **facts)

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        asking = Asking(self.asked.desk.store.insight, self.range, self.frame)
        volume = figures.volume(asking)
        return (
            volume,
            figures.feeling(volume),
            figures.groups(asking, "language", "Languages", words.language),
            figures.groups(asking, "channel", "Channels", lambda code: code or "Channel unknown"),
            figures.decisions(asking),
            figures.waiting(asking),
            figures.models(asking),
            figures.reasons(asking),
            figures.ratings(asking),
            *self._arms(asking),
        )

    def _arms(self, asking: Asking) -> Iterator[Picture]:
        """Nothing where drafts of one arm alone were ever decided."""
        if len(asking.insight.arms()) > 1:
            yield arms.arms(asking)
            yield from arms.differences(self.asked.desk.store, self.asked.now)

    def drawn(self, picture: Picture) -> plots.Drawn:
        return plots.DRAWN[picture.kind](picture)

    @property
    def tiles(self) -> list[Tile]:
        named = {each.name: each for each in self.pictures}
        chats, unhappy = named["volume"], named["volume"].totals[0]
        approved, edited, _ = named["decisions"].totals
        decided = sum(named["decisions"].totals)
        waits = {row.label: row.notes[1] for row in named["waiting"].rows}
        return [
            Tile("Chats", f"{sum(chats.totals):,.0f}", f"{share(unhappy, sum(chats.totals))} unhappy"),
            Tile("Decided", f"{decided:,.0f}", f"{share(approved + edited, decided)} sent"),
            Tile("Sent as drafted", share(approved, decided), f"{share(edited, decided)} edited"),
            Tile("Wait to the decision", waits.get("50 %", "–"), f"nine of ten: {waits.get('90 %', '–')}"),
        ]

    @property
    def ranges(self) -> list[tuple[str, str]]:
        own = [] if self.range.chosen else [("", "Days of one's own")]
        return [*own, *RANGES]

    def options(self, name: Dimension) -> list[tuple[str, str]]:
        codes = figures.codes(self.asked.desk.store.insight, self.frame, name)
        chosen = self.chosen[name]
        every = [*codes, chosen] if chosen and chosen not in codes else codes
        return words.pairs(every, words.LANGUAGES if name == "language" else {}, f"All {name}s")

    @property
    def behind(self) -> int:
        return self.asked.desk.store.insight.behind()

    @property
    def filtered(self) -> bool:
        return any(self.chosen.values()) or any(self.asked.query(name) for name in ("range", "from", "to"))

    @property
    def can_export(self) -> bool:
        assert self.asked.who is not None
        return may(self.asked.who.role, Right.EXPORT)

    @property
    def export(self) -> str:
        given = (
            {"range": self.range.chosen}
            if self.range.chosen
            else {"from": self.range.first, "to": self.range.last}
        )
        given |= {name: value for name, value in self.chosen.items() if value}
        return f"{self.asked.root}/insight/export?{urlencode(given)}"


def show(asked: Asked) -> Response:
    return asked.page("insight.html", "Insight", insight=View(asked))


def export(asked: Asked) -> Response:
    """Every number on the page: picture, row, column, value."""
    view = View(asked)
    rows = [record for picture in view.pictures for record in picture.records()]
    name = f"insight-{view.range.first}-{view.range.last}.csv"
    return sheet(name, ("picture", "row", "column", "value"), rows)
