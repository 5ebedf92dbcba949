"""Grounding: which numbers, codes and names of an answer do not occur in the chat it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache

JOINS = ".,:/#'’-"
"""Signs that do not end a word when a letter or digit follows them."""
_TOKEN = re.compile(rf"[^\W_](?:[\w{JOINS}]*[^\W_])?")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;…\n\"“”„«»(]\s*)$")
_DIGIT = re.compile(r"\d")
_SEPARATOR = re.compile(r"[\W_]+")
_THOUSANDS = re.compile(r"(?<=\d)[.,'’](?=\d)")
_UNIT = re.compile(r"(?<=\d)[^\W\d]+$")
_CONTRACTION = re.compile(r"['’](?:s|m|d|ll|ve|re|t)$")
_NOUNS_CAPITAL = frozenset({"de"})
_MOST_PARTS = 4
_LOOK_BACK = 16
_LONGEST, _MOST_TARGETS = 48, 4000


def ungrounded(answer: str, source: str, language: str | None = None) -> tuple[str, ...]:
    """The numbers, codes and names in `answer` that `source` does not hold, in order, each once.

    A number or code is a word with a digit in it. It is compared without its separators, so 1,500 is
    1500 and 7730 1192 is 77301192; a unit behind a number (5pm) may be missing, a letter before one
    (HC-3302) may not. A name is a word with a capital that does not begin a sentence, compared without
    regard to case; German, which writes every noun so, is checked for numbers and codes only.
    """
    found = Source(source, names_count(language)).missing(answer)
    return tuple(dict.fromkeys(word for _, word in found))


def names_count(language: str | None) -> bool:
    """Whether a capital inside a sentence tells a name in `language`."""
    return language not in _NOUNS_CAPITAL


def begins_sentence(before: str) -> bool:
    """Whether a word after the text `before` begins a sentence."""
    return _SENTENCE_START.search(before[-_LOOK_BACK:]) is not None


def has_digit(word: str) -> bool:
    return _DIGIT.search(word) is not None


@lru_cache(maxsize=64)
def source_of(text: str, names: bool) -> Source:
    """The source of a chat's text; the same one for all fields of an answer."""
    return Source(text, names)


class Source:
    """What a chat's text holds: its words, its codes and numbers, and names if `names` count."""

    def __init__(self, text: str, names: bool) -> None:
        self._words = _TOKEN.findall(text)
        self._verbatim = set(self._words)
        self._names_count = names

    def missing(self, answer: str) -> Iterator[tuple[int, str]]:
        """What of `answer` is not held: where it begins, and the number, code or name itself."""
        for match in _TOKEN.finditer(answer):
            word = match.group()
            if self.holds(word) or (not has_digit(word) and begins_sentence(answer[: match.start()])):
                continue
            yield match.start(), word if has_digit(word) else _bare(word)

    def grounded_part(self, answer: str) -> str:
        """`answer` up to the first word that is not held."""
        first = next(self.missing(answer), None)
        return answer if first is None else answer[: first[0]].rstrip()

    def holds(self, word: str, begins: bool = False) -> bool:
        """Whether `word`, a whole one, may stand in an answer, where it `begins` a sentence or does not."""
        if has_digit(word):
            return word in self._verbatim or _plain(word) in self._codes or self.holds_numbers(word)
        bare = _bare(word)
        if begins or not self._names_count or not word[0].isupper() or len(bare) < 2:
            return True
        return bare in self._verbatim or bare.casefold() in self._names

    def holds_numbers(self, word: str) -> bool:
        """Whether each of the numbers in `word` is held, so that any letters may follow it."""
        return not word[0].isalpha() and all(part in self._codes for part in _parts(word))

    def is_free(self, word: str, begins: bool) -> bool:
        """Whether a beginning `word` stays held with any letters after it."""
        if has_digit(word):
            return self.holds_numbers(word)
        return begins or not self._names_count or not word[0].isupper()

    @cached_property
    def beginnings(self) -> dict[str, set[str]]:
        """Case-folded beginnings of words that are held in any case, and the characters that lead on."""
        found: dict[str, set[str]] = {}
        for target in self.words:
            for end, following in enumerate(target):
                found.setdefault(target[:end], set()).add(following)
            found.setdefault(target, set())
        return found

    @cached_property
    def words(self) -> dict[str, None]:
        """Words that are held in any case: numbers and codes, with their signs and without, and names."""
        numbers = [word for word in self._words if has_digit(word)]
        parts = [part for word in numbers for part in (*_parts(word), _plain(word))]
        grouped = [f"{int(part):,}" for part in parts if part.isdecimal() and 3 < len(part) < 10]
        found = [word.casefold() for word in numbers] + parts + grouped
        found += [group.replace(",", ".") for group in grouped] + self._joined()
        if self._names_count:
            found += [form.casefold() for word in self._words for form in (word, _bare(word))]
        fits = [word for word in found if len(word) <= _LONGEST and _TOKEN.fullmatch(word)]
        return dict.fromkeys([word for word in dict.fromkeys(fits) if self._reached(word)][:_MOST_TARGETS])

    def _reached(self, target: str) -> bool:
        """Whether a case-folded `target` is held however it is capitalised."""
        if has_digit(target):
            return _plain(target) in self._codes or self.holds_numbers(target)
        return target == _bare(target) and target in self._names

    def _joined(self) -> list[str]:
        """Numbers that the source writes in up to four groups, in one."""
        plain = [_plain(word) for word in self._words]
        runs = [plain[start : start + size] for size in (2, 3, 4) for start in range(len(plain) - size + 1)]
        return ["".join(run) for run in runs if all(group.isdecimal() for group in run)]

    @cached_property
    def _codes(self) -> set[str]:
        return _codes(self._words)

    @cached_property
    def _names(self) -> set[str]:
        return {_bare(word).casefold() for word in self._words}


def _codes(words: list[str]) -> set[str]:
    """Every number and code of the source, alone and with up to three words before it."""
    plain = [_plain(word) for word in words]
    codes = {part for word in words if has_digit(word) for part in _parts(word)}
    for end, word in enumerate(plain, start=1):
        if has_digit(word):
            codes.update("".join(plain[start:end]) for start in range(max(0, end - _MOST_PARTS), end))
    return codes


def _parts(word: str) -> list[str]:
    """The numbers in a word, without thousands separators and units: 08:14-13:50 has four."""
    pieces = _SEPARATOR.split(_THOUSANDS.sub("", word.casefold()))
    return [_UNIT.sub("", piece) for piece in pieces if has_digit(piece)]


def _plain(word: str) -> str:
    return _SEPARATOR.sub("", word.casefold())


def _bare(word: str) -> str:
    """A word without an English contraction or possessive: I'm, Noor's."""
    return _CONTRACTION.sub("", word)
