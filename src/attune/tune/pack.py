"""Pack: several lessons in one row of tokens, without padding, and what they share stands there once.

No lesson sees another: each span of a row names the places it sees, and positions go on from there. So a
row gives the same logits as its lessons one by one (to rounding), for fewer tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from attune.tune.lesson import Lesson

Places = tuple[int, int]
"""From a place of a row up to another."""
_WORTH = 16
"""Fewer shared tokens are not worth a span of their own."""


@dataclass(frozen=True, slots=True)
class Span:
    """The tokens of a row at `at`, which see those at `sees`; the last of these are themselves, except where
    a decoder looks at its encoder."""

    at: Places
    sees: tuple[Places, ...]


@dataclass(slots=True)
class Row:
    """Tokens with their positions, in spans. What follows the token at `asked[i]` is learned: `wanted[i]`."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)

    def add(
        self, ids: Sequence[int], position: int = 0, before: tuple[Places, ...] = ()
    ) -> tuple[Places, ...]:
        """Adds a span of `ids` that sees those at `before`; what one that goes on from there sees."""
        at = (len(self.ids), len(self.ids) + len(ids))
        self.ids += ids
        self.positions += range(position, position + len(ids))
        self.spans.append(Span(at, (*before, at)))
        return (*before, at)


def causal(lessons: Sequence[Lesson]) -> Row:
    """The row of a model that reads prompt and answer as one text."""
    row = Row()
    _grow(row, sorted(lessons, key=lambda each: each.prompt), 0, ())
    return row


def seq2seq(lessons: Sequence[Lesson], start: int) -> tuple[Row, Row, list[Span]]:
    """The encoder's row of prompts, the decoder's of answers that begin with the token `start`, and which
    places of the encoder's each of the decoder's spans sees."""
    asked, answered = Row(), Row()
    for each in lessons:
        asked.add(each.prompt)
        (at,) = answered.add((start, *each.answer[:-1]))
        _want(answered, each, range(*at))
    cross = [Span(to.at, seen.sees) for to, seen in zip(answered.spans, asked.spans, strict=True)]
    return asked, answered, cross


def _grow(row: Row, lessons: Sequence[Lesson], position: int, before: tuple[Places, ...]) -> None:
    """Adds `lessons`, sorted by prompt, from `position` on: a tree whose branches are what several share."""
    for _, group in groupby(lessons, key=lambda each: each.prompt[position : position + _WORTH]):
        alike = list(group)
        shared = _shared(alike[0].prompt, alike[-1].prompt)  # sorted: what these two share, all do
        if len(alike) > 1 and shared - position >= _WORTH:
            branch = row.add(alike[0].prompt[position:shared], position, before)
            _grow(row, alike, shared, branch)
        else:
            for each in alike:
                _leaf(row, each, position, before)


def _leaf(row: Row, lesson: Lesson, position: int, before: tuple[Places, ...]) -> None:
    """Adds what is left of `lesson`. Each token is said at the place before its own."""
    *_, (begin, end) = row.add((*lesson.prompt, *lesson.answer)[position:], position, before)
    first = end - len(lesson.answer)
    _want(row, lesson, [first - 1 if first > begin else before[-1][1] - 1, *range(first, end - 1)])


def _want(row: Row, lesson: Lesson, places: Sequence[int]) -> None:
    """The trained tokens of the answer, whose tokens are each said at one of `places`."""
    told = [pair for pair in zip(places, lesson.answer, lesson.trained, strict=True) if pair[2]]
    row.asked += [place for place, _, _ in told]
    row.wanted += [token for _, token, _ in told]


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two prompts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
