"""Numbers of an answer that its input does not hold: an order of three that is confirmed as two."""

from __future__ import annotations

import re
import unicodedata

_NUMBER = re.compile(r"(\d+(?:[.,:]\d+)*)\s?([^\W\d_]*)")
_UNSPACED = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def unheard(said: str, heard: str) -> list[str]:
    """The numbers in `said` that are not in `heard`, each with its unit, in order, each once.

    Where `heard` counts the same unit otherwise, that is said too, and comes first: "2개, not 3개". A unit is
    the word behind a number; in scripts whose words run on, its first sign, and then a number that is heard
    of another unit alone (2시) counts as not heard.
    """
    there = [(_plain(number), unit) for number, unit in _numbers(heard)]
    by_unit: dict[str, str] = {}
    for number, unit in _numbers(heard):
        by_unit.setdefault(unit, number + unit)
    known = {number for number, _ in there}
    clashing, others = list[str](), list[str]()
    for number, unit in _numbers(said):
        counted = bool(unit) and unit in by_unit
        if (
            counted
            and (_plain(number), unit) not in there
            and (len(unit) == 1 or _plain(number) not in known)
        ):
            clashing.append(f"{number}{unit}, not {by_unit[unit]}")
        elif _plain(number) not in known:
            others.append(f"{number}{unit}")
    return list(dict.fromkeys([*clashing, *others]))


def _numbers(text: str) -> list[tuple[str, str]]:
    found = _NUMBER.findall(unicodedata.normalize("NFKC", text))
    return [(number, _unit(word)) for number, word in found]


def _unit(word: str) -> str:
    if _UNSPACED.match(word):
        return word[0]
    return f" {word.lower()}" if word else ""


def _plain(number: str) -> str:
    """Without its separators and leading zeros: 1,500 is 1500, and 09:30 is 9:30."""
    return re.sub(r"\D", "", number).lstrip("0")
