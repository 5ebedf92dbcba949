"""Grounding: which numbers, codes and names of an answer do not occur in the chat it is about."""

from __future__ import annotations

import re

_CODE = re.compile(r"[^\W_]*\d(?:[\w.,:/#-]*\w)?")
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;…\n\"“”„«»(]\s*)$")
_SEPARATORS = re.compile(r"[\s.,:/#_-]")
_NOUNS_CAPITAL = frozenset({"de"})


def ungrounded(answer: str, source: str, language: str | None = None) -> tuple[str, ...]:
    """The numbers, codes and names in `answer` that `source` does not hold, in order, each once.

    A number or code is a word with a digit in it; it is compared without its separators, so 1,500
    is 1500. A name is a word with a capital that does not begin a sentence, compared without
    regard to case; German, which writes every noun so, is checked for numbers and codes only.
    """
    have = _SEPARATORS.sub("", source).casefold()
    words = {word.casefold() for word in _WORD.findall(source)}
    found = [code for code in _CODE.findall(answer) if _SEPARATORS.sub("", code).casefold() not in have]
    if language not in _NOUNS_CAPITAL:
        found += [name for name in _names(answer) if name.casefold() not in words]
    return tuple(dict.fromkeys(found))


def _names(answer: str) -> list[str]:
    return [
        _bare(match.group())
        for match in _WORD.finditer(answer)
        if match.group()[0].isupper() and len(match.group()) > 1 and not _SENTENCE_START.search(answer[: match.start()])
        and _bare(match.group()) not in ("I",)
    ]


def _bare(word: str) -> str:
    """A word without an English contraction or possessive: I'm, Noor's."""
    return re.split(r"['’]", word, maxsplit=1)[0] if re.search(r"['’](s|m|d|ll|ve|re|t)$", word) else word
