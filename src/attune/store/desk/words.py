"""The words of the search, the same for both databases: words, and pairs of signs where words have no spaces.

Accents and case do not count. Korean has spaces, but what is looked for is often part of a word: it is cut
into pairs too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from attune.desk.difference import UNSPACED

MAX_WORDS = 10_000
_PAIRED = f"{UNSPACED}\uac00-\ud7a3"
_RUN = re.compile(rf"[{_PAIRED}]+|[^\W_{_PAIRED}]+")
_IS_PAIRED = re.compile(f"[{_PAIRED}]")


def words(text: str) -> list[str]:
    """The words of `text` in their order, at most MAX_WORDS: "환불이" is 환불, 불이, 이."""
    found: list[str] = []
    for run in _RUN.findall(folded(text)):
        found.extend(_pairs(run) if _IS_PAIRED.match(run) else [run])
        if len(found) >= MAX_WORDS:
            return found[:MAX_WORDS]
    return found


def terms(query: str) -> list[Sequence[str]]:
    """What a query looks for, all of it: each term is words that stand one after the other, and the last
    word of a term may go on."""
    return [
        _pairs(run)[: max(1, len(run) - 1)] if _IS_PAIRED.match(run) else [run]
        for run in _RUN.findall(folded(query))
    ]


def marks(facts: Mapping[str, str]) -> list[str]:
    """Facts about a chat as words that no text has."""
    return [f"zq{name}{value.encode().hex()}zq" for name, value in sorted(facts.items()) if value]


def folded(text: str) -> str:
    """`text` without case and accents."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(sign for sign in apart if unicodedata.category(sign) not in ("Mn", "Mc"))
    return unicodedata.normalize("NFC", kept)


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run))]
