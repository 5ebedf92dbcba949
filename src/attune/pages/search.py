"""The search over all chats: words and facts, newest first, the words marked where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from starlette.responses import Response

from attune.desk.roles import Right, may
from attune.outcome import Place
from attune.pages import words
from attune.pages.asked import Asked
from attune.pages.insight_range import DAY_S, moment
from attune.pages.search_marks import Marked, marked
from attune.pages.spreadsheet import sheet
from attune.store.desk.insight import Dimension, Frame, Insight
from attune.store.desk.search import Found, Look

SIZE = 50
_ASKED = ("q", "language", "channel", "place", "sentiment", "model", "arm", "user", "from", "to")
_PLACES = (("", "Anywhere"), (Place.TABLE.value, "Table"), (Place.REVIEW.value, "Review desk"))
_FEELINGS = (("", "Any feeling"), ("-1", "Unhappy"), ("0", "Neutral"), ("1", "Happy"))
_HEAD = ("number", "id", "at", "place", "language", "channel", "user_id", "model", "arm", "sentiment",
         "summary")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A chat that was found."""

    found: Found
    query: str

    @property
    def number(self) -> int:
        return self.found.number

    @property
    def mood(self) -> words.Mood:
        return words.mood(self.found.outcome.values)

    @property
    def title(self) -> list[Marked]:
        return marked(words.title(self.found.outcome.values)[:300], self.query)

    @property
    def inside(self) -> bool:
        """Whether the words stand where the line does not show them."""
        return bool(self.query.strip()) and not any(part.found for part in self.title)

    @property
    def language(self) -> str:
        return words.tag(self.found.outcome.language)

    @property
    def facts(self) -> str:
        outcome = self.found.outcome
        told = (f"chat {outcome.key}", words.language(outcome.language), outcome.channel or "")
        return " · ".join(each for each in told if each)[:120]

    @property
    def at(self) -> float:
        return self.found.outcome.created_at

    @property
    def review(self) -> bool:
        return self.found.outcome.place is Place.REVIEW


@dataclass(frozen=True)
class View:
    """What the template shows."""

    asked: Asked

    @cached_property
    def given(self) -> dict[str, str]:
        return {name: self.asked.query(name)[:500] for name in _ASKED}

    @cached_property
    def look(self) -> Look:
        return Look(
            words=self.given["q"],
            language=self.given["language"] or None,
            channel=self.given["channel"] or None,
            place=self.given["place"] or None,
            sentiment=self.given["sentiment"] or None,
            model=self.given["model"] or None,
            arm=self.given["arm"] or None,
            user_id=self.given["user"] or None,
            since=moment(self.given["from"]),
            until=None if (last := moment(self.given["to"])) is None else last + DAY_S,
        )

    @cached_property
    def page(self) -> tuple[Found, ...]:
        return self.asked.desk.store.insight.search(self.look, self._before, SIZE)

    @property
    def _before(self) -> int | None:
        given = self.asked.query("before")
        return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None

    @property
    def lines(self) -> list[Line]:
        return [Line(each, self.given["q"]) for each in self.page]

    @property
    def next(self) -> str:
        if len(self.page) < SIZE:
            return ""
        return self._address("/search", before=str(self.page[-1].number))

    @property
    def first(self) -> str:
        return self._address("/search")

    @property
    def export(self) -> str:
        return self._address("/search/export")

    @property
    def later(self) -> bool:
        """Whether this is not the first page."""
        return bool(self.asked.query("before"))

    @property
    def filtered(self) -> bool:
        return any(self.given.values())

    @property
    def behind(self) -> int:
        return self.asked.desk.store.insight.behind()

    @property
    def can_export(self) -> bool:
        assert self.asked.who is not None
        return may(self.asked.who.role, Right.EXPORT)

    @property
    def languages(self) -> list[tuple[str, str]]:
        return words.pairs(self._codes("language"), words.LANGUAGES, "All languages")

    @property
    def channels(self) -> list[tuple[str, str]]:
        return words.pairs(self._codes("channel"), {}, "All channels")

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        return _PLACES

    @property
    def feelings(self) -> tuple[tuple[str, str], ...]:
        return _FEELINGS

    @property
    def models(self) -> list[tuple[str, str]]:
        return words.pairs(self._codes("model"), {}, "All models")

    @property
    def arms(self) -> list[tuple[str, str]]:
        return words.pairs(self._codes("arm"), {}, "All arms")

    def _codes(self, name: Dimension) -> list[str]:
        every = Frame(0, self.asked.now + DAY_S)
        sums = self.asked.desk.store.insight.by(name, "chat", every)
        return sorted({each.group for each in sums if each.group} | ({self.given[name]} - {""}))

    def _address(self, path: str, **more: str) -> str:
        given = {name: value for name, value in (self.given | more).items() if value}
        return f"{self.asked.root}{path}{f'?{urlencode(given)}' if given else ''}"


def show(asked: Asked) -> Response:
    return asked.page("search.html", "Search", search=View(asked))


def export(asked: Asked) -> Response:
    """All chats that are found."""
    return sheet("chats.csv", _HEAD, map(_row, _all(asked.desk.store.insight, View(asked).look)))


def _all(insight: Insight, look: Look) -> Iterator[Found]:
    before = None
    while page := insight.search(look, before, SIZE):
        yield from page
        before = page[-1].number


def _row(found: Found) -> tuple[str | float, ...]:
    outcome = found.outcome
    facts = (outcome.language, outcome.channel, outcome.user_id, outcome.model, outcome.arm)
    said = (str(outcome.values.get("sentiment", "")), words.title(outcome.values))
    row = (outcome.key, words.utc(outcome.created_at), outcome.place.value, *facts, *said)
    return (found.number, *(each or "" for each in row))
