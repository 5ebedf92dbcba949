"""Grounding: which numbers, codes and names of an answer do not occur in the chat it is about."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"[^\W_](?:[\w.,:/#'’-]*[^\W_])?")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;…\n\"“”„«»(]\s*)$")
_DIGIT = re.compile(r"\d")
_SEPARATOR = re.compile(r"[\W_]+")
_THOUSANDS = re.compile(r"(?<=\d)[.,'’](?=\d)")
_UNIT = re.compile(r"(?<=\d)[^\W\d]+$")
_CONTRACTION = re.compile(r"['’](?:s|m|d|ll|ve|re|t)$")
_NOUNS_CAPITAL = frozenset({"de"})
_MOST_PARTS = 4


def ungrounded(answer: str, source: str, language: str | None = None) -> tuple[str, ...]:
    """The numbers, codes and names in `answer` that `source` does not hold, in order, each once.

    A number or code is a word with a digit in it. It is compared without its separators, so 1,500 is
    1500 and 7730 1192 is 77301192; a unit behind a number (5pm) may be missing, a letter before one
    (HC-3302) may not. A name is a word with a capital that does not begin a sentence, compared without
    regard to case; German, which writes every noun so, is checked for numbers and codes only.
    """
    words = _TOKEN.findall(source)
    verbatim = set(words)
    suspects = [word for word in dict.fromkeys(_suspects(answer, language)) if word not in verbatim]
    if not suspects:
        return ()
    codes, names = _codes(words), {_bare(word).casefold() for word in words}
    return tuple(word for word in suspects if not _held(word, codes, names))


def _suspects(answer: str, language: str | None) -> list[str]:
    found = []
    for match in _TOKEN.finditer(answer):
        word = match.group()
        if _has_digit(word):
            found.append(word)
        elif language not in _NOUNS_CAPITAL and _is_name(word, answer[: match.start()]):
            found.append(_bare(word))
    return found


def _codes(words: list[str]) -> set[str]:
    """Every number and code of the source, alone and with up to three words before it."""
    plain = [_plain(word) for word in words]
    codes = {part for word in words if _has_digit(word) for part in _parts(word)}
    for end, word in enumerate(plain, start=1):
        if _has_digit(word):
            codes.update("".join(plain[start:end]) for start in range(max(0, end - _MOST_PARTS), end))
    return codes


def _held(word: str, codes: set[str], names: set[str]) -> bool:
    if not _has_digit(word):
        return word.casefold() in names
    return _plain(word) in codes or (not word[0].isalpha() and all(part in codes for part in _parts(word)))


def _parts(word: str) -> list[str]:
    """The numbers in a word, without thousands separators and units: 08:14-13:50 has four."""
    pieces = _SEPARATOR.split(_THOUSANDS.sub("", word.casefold()))
    return [_UNIT.sub("", piece) for piece in pieces if _has_digit(piece)]


def _plain(word: str) -> str:
    return _SEPARATOR.sub("", word.casefold())


def _has_digit(word: str) -> bool:
    return _DIGIT.search(word) is not None


def _is_name(word: str, before: str) -> bool:
    return word[0].isupper() and len(_bare(word)) > 1 and not _SENTENCE_START.search(before)


def _bare(word: str) -> str:
    """A word without an English contraction or possessive: I'm, Noor's."""
    return _CONTRACTION.sub("", word)
