"""Grounded text: which tokens may come next, so that numbers, codes and names are only ever copied.

What a token may do depends on the word the text ends in. Tables made once per vocabulary say it for
all tokens that invent nothing; the few that go on with, or begin, a word of the chat are looked up.
The rules of what counts as held are those of `attune.ground`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attune.decode.draw import Ids, Row
from attune.engines.paged.vocabulary import Vocabulary, Word, ids_of, reachable, whole_characters
from attune.ground import JOINS, Source, begins_sentence

_RUN = re.compile(rf"[\w{JOINS}]*\Z")
_WORD = re.compile(r"[^\W_]")
_CONTRACTED = ("'s", "'m", "'d", "'t", "'ll", "'ve", "'re", "’s", "’m", "’d", "’t", "’ll", "’ve", "’re")
_KEPT = 32
"""Characters of the text that are looked back at."""
_LONGEST_TOKEN = 24


class Grounding:
    """The state of one grounded text: `mask` says what may come, `take` what came."""

    def __init__(self, source: Source, vocabulary: Vocabulary) -> None:
        self.source = source
        self._vocabulary = vocabulary
        self._before = ""
        """The text before the word it ends in; of a long one its end."""
        self._word = ""
        """The word it ends in, with the signs after it that may join it to more."""
        self._begun = b""
        self._escaped = False
        new, spaced = self._beginning_words()
        self._after_none, self._after_word = ids_of(new + spaced), ids_of(spaced)

    def mask(self) -> tuple[Row, Ids]:
        """What is added to the logits, and tokens that may come all the same."""
        vocabulary = self._vocabulary
        if self._escaped:
            return vocabulary.all_banned, vocabulary.quote
        kind = self._kind(self._before, self._word)
        if self._begun:
            return vocabulary.all_banned, self._or_end(self._going_on(kind))
        if kind is Word.PART:
            return vocabulary.all_banned, self._or_end(self._joined())
        banned = vocabulary.banned[kind, int(begins_sentence(self._before + self._word))]
        if kind is Word.NONE:
            return banned, self._after_none
        more = self._joined() if self._word.casefold() in self.source.beginnings else []
        if kind is Word.HELD:
            more += self._contracted()
        return banned, ids_of([*self._after_word, *more]) if more else self._after_word

    def take(self, piece: bytes) -> None:
        """The token that writes `piece` was drawn, and the text goes on."""
        if self._escaped:
            self._escaped = False
            self._add('"')
        elif piece == b"\\" and self._vocabulary.json:
            self._escaped = True
        else:
            split = whole_characters(self._begun + piece)
            assert split is not None, "a token was drawn that breaks a character"
            text, self._begun = split
            meaning = self._vocabulary.meaning(text)
            assert meaning is not None, "a token was drawn that was banned"
            self._add(meaning)

    def allows(self, text: str) -> bool:
        """Whether the text may go on with `text`: each word of it held, or the last the beginning of one."""
        before, word = _ending(self._before, self._word + text)
        if any(start >= len(self._before) for start, _ in self.source.missing(before)):
            return False
        return self._kind(before, word) is not Word.PART or word.casefold() in self.source.beginnings

    def _kind(self, before: str, word: str) -> Word:
        if not word:
            return Word.NONE
        begins = begins_sentence(before)
        bare = word.rstrip(JOINS + "_")
        if self.source.is_free(bare, begins):
            return Word.FREE
        return Word.HELD if self.source.holds(bare, begins) else Word.PART

    def _add(self, text: str) -> None:
        if not self._before and not self._word:
            text = text.lstrip()
        before, self._word = _ending(self._before, self._word + text)
        self._before = before[-_KEPT:]

    def _or_end(self, tokens: list[int]) -> Ids:
        """`tokens`; an end where there are none, and then what stands of the word is cut off."""
        return ids_of(tokens) if tokens else self._vocabulary.ends

    def _beginning_words(self) -> tuple[list[int], list[int]]:
        """Tokens that begin a word of the chat: at once, and after a space of their own."""
        parts, ends = self._vocabulary.parts_of_words, self._vocabulary.ends_of_words
        new: list[int] = []
        spaced: list[int] = []
        banned = self._vocabulary.banned[Word.NONE, 0]
        for beginning in self.source.beginnings:
            new += parts.get(beginning, ())
            spaced += parts.get(" " + beginning, ())
        for word in self.source.words:
            new += ends.get(word, ())
            spaced += ends.get(" " + word, ())
        return [token for token in new if banned[token]], [token for token in spaced if banned[token]]

    def _joined(self) -> list[int]:
        """Tokens that go on with the word, towards one of the chat."""
        parts, ends = self._vocabulary.parts_of_words, self._vocabulary.ends_of_words
        beginnings, start = self.source.beginnings, self._word.casefold()
        found: list[int] = []
        ways = [""]
        while ways:
            way = ways.pop()
            found += parts.get(way, ()) if way else ()
            found += ends.get(way, ()) if start + way in self.source.words else ()
            if len(way) < _LONGEST_TOKEN:
                ways += [way + sign for sign in beginnings.get(start + way, ())]
        for sign in self._signs():
            found += self._vocabulary.first_bytes.get(sign[0], ())
        return found

    def _signs(self) -> Iterator[bytes]:
        """The characters that may follow, towards a word of the chat."""
        for sign in self.source.beginnings.get(self._word.casefold(), ()):
            for form in {sign, sign.upper()}:
                if form.casefold() == sign:
                    yield form.encode()

    def _contracted(self) -> list[int]:
        """Tokens that make the name a possessive or a contraction."""
        apostrophe = self._word[-1] if self._word[-1] in "'’" else ""
        rests = [ending.removeprefix(apostrophe) for ending in _CONTRACTED if ending.startswith(apostrophe)]
        parts, pieces = self._vocabulary.parts_of_words, self._vocabulary.pieces
        fitting = [rest for rest in rests if rest in parts and self.allows(rest)]
        return [token for rest in fitting for token in parts[rest] if pieces[token] == rest.encode()]

    def _going_on(self, kind: Word) -> list[int]:
        """Tokens that go on with the character that is begun."""
        signs = list(self._signs())
        return [
            token
            for token, text, begun in self._vocabulary.continuing(self._begun)
            if (self._leads_on(text, begun) if text else self._may_begin(kind, begun, signs))
        ]

    def _leads_on(self, text: str, begun: bytes) -> bool:
        if not self.allows(text):
            return False
        return not begun or (
            self._kind(*_ending(self._before, self._word + text)) <= Word.FREE and reachable(begun)[0]
        )

    def _may_begin(self, kind: Word, begun: bytes, signs: list[bytes]) -> bool:
        """Whether a character that begins with the bytes `begun` may follow."""
        if any(sign.startswith(begun) for sign in signs):
            return True
        letter, end = reachable(begun)
        return letter if kind <= Word.FREE else end and kind is Word.HELD


def _ending(before: str, rest: str) -> tuple[str, str]:
    """The text `before` + `rest`, split before the word it ends in; `before` ends in no word."""
    run = _RUN.search(rest)
    assert run is not None
    word = _WORD.search(rest, run.start())
    start = len(rest) if word is None else word.start()
    return before + rest[:start], rest[start:]
