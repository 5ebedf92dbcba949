"""Where in a text the words of a search stand: as the index finds them, without case and accents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attune.store.desk.words import folded, terms, words


@dataclass(frozen=True, slots=True)
class Marked:
    """A part of a text; `found` are the words that were looked for."""

    found: bool
    text: str


def marked(text: str, query: str) -> list[Marked]:
    """`text` in its parts, which together are all of it."""
    pattern = _pattern(query)
    if pattern is None:
        return [Marked(False, text)]
    plain, places = _folded(text)
    parts, at = list[Marked](), 0
    for start, end in _spans(pattern, plain, places):
        # One sign can be several that are searched, like ¼: it is marked once.
        if start < at:
            continue
        parts += [Marked(False, text[at:start]), Marked(True, text[start:end])]
        at = end
    return [part for part in (*parts, Marked(False, text[at:])) if part.text]


def _spans(pattern: re.Pattern[str], plain: str, places: list[int]) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(plain):
        yield places[match.start()], places[match.end() - 1] + 1


def _pattern(query: str) -> re.Pattern[str] | None:
    runs = sorted({_run(term) for term in terms(query)}, key=len, reverse=True)
    return re.compile("|".join(_anywhere(run) for run in runs)) if runs else None


def _run(term: Sequence[str]) -> str:
    """What was typed, of the pairs that it was cut into."""
    return "".join(part[0] for part in term[:-1]) + term[-1]


def _anywhere(run: str) -> str:
    """A word is found by its beginning, what has no spaces around it anywhere."""
    unspaced = len(words(run + run)) > 1
    return re.escape(run) if unspaced else rf"(?<![^\W_]){re.escape(run)}"


def _folded(text: str) -> tuple[str, list[int]]:
    """`text` as it is searched, and for each of its signs the place in `text` that it came of."""
    signs, places = list[str](), list[int]()
    for place, sign in enumerate(text):
        for each in folded(sign):
            signs.append(each)
            places.append(place)
    return "".join(signs), places
