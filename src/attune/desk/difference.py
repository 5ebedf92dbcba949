"""What a person changed in a draft, word by word: for display, and as a number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # kana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Scripts written without spaces between words: their unit is the character."""
_MARKED = ((0x0300, 0x036F), (0x0591, 0x06ED), (0x0900, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))
_MARKS = "".join(
    chr(code)
    for low, high in _MARKED
    for code in range(low, high + 1)
    if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
"""Vowel signs, tones and accents, which belong to the letter before them."""
UNSPACED = "".join(f"{chr(low)}-{chr(high)}" for low, high in _UNSPACED)
"""The same scripts as a class of a regular expression."""
_SPACED = rf"(?:[^\W{UNSPACED}][{_MARKS}]*)+"
_UNIT = re.compile(rf"[{UNSPACED}][{_MARKS}]*|{_SPACED}(?:['’\-]{_SPACED})*|[^\w\s]")
_PIECE = re.compile(rf"(?:{_UNIT.pattern})\s*|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Change:
    """A run of text that is the same in both, only in the draft (removed), or only in the final (added)."""

    kind: Literal["same", "removed", "added"]
    text: str


def units(text: str) -> list[str]:
    """The words and punctuation marks of `text`; in scripts without spaces its characters."""
    return _UNIT.findall(text)


def word_diff(draft: str, final: str) -> list[Change]:
    """How `final` came of `draft`. All but the added texts together are `draft`, all but the removed
    ones `final`, white space and all."""
    before, after = _PIECE.findall(draft), _PIECE.findall(final)
    # White space behind a word is no part of it: who goes on writing has not changed the last word.
    matcher = SequenceMatcher(None, [*map(_bare, before)], [*map(_bare, after)], autojunk=False)
    parts = (part for opcode in matcher.get_opcodes() for part in _parts(opcode, before, after))
    runs = groupby((part for part in parts if part.text), key=lambda part: part.kind)
    return [Change(kind, "".join(part.text for part in run)) for kind, run in runs]


def _bare(piece: str) -> str:
    return piece.rstrip() or piece


def _parts(
    opcode: tuple[str, int, int, int, int], before: Sequence[str], after: Sequence[str]
) -> Iterator[Change]:
    tag, start, end, new_start, new_end = opcode
    if tag != "equal":
        yield Change("removed", "".join(before[start:end]))
        yield Change("added", "".join(after[new_start:new_end]))
        return
    for old, new in zip(before[start:end], after[new_start:new_end], strict=True):
        same = old if old == new else _bare(old)
        yield Change("same", same)
        yield Change("removed", old[len(same) :])
        yield Change("added", new[len(same) :])


def edit_distance(before: Sequence[Hashable], after: Sequence[Hashable]) -> int:
    """The fewest insertions, deletions and replacements that make `after` of `before` (Levenshtein).

    Bit-parallel over one long integer: G. Myers, A Fast Bit-Vector Algorithm for Approximate String
    Matching (1999), in the form of H. Hyyrö (2003).
    """
    if not before:
        return len(after)
    places: dict[Hashable, int] = {}
    for place, unit in enumerate(before):
        places[unit] = places.get(unit, 0) | 1 << place
    last, full = 1 << (len(before) - 1), (1 << len(before)) - 1
    up, down, distance = full, 0, len(before)
    for unit in after:
        equal = places.get(unit, 0)
        vertical = equal | down
        horizontal = (((equal & up) + up) ^ up) | equal
        plus, minus = (down | ~(horizontal | up)) & full, up & horizontal
        distance += bool(plus & last) - bool(minus & last)
        plus, minus = (plus << 1 | 1) & full, (minus << 1) & full
        up, down = (minus | ~(vertical | plus)) & full, plus & vertical
    return distance
