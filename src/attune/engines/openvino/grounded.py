"""Grounded text: which tokens may come next, so that numbers, codes and names are only ever copied.

What a token may do depends on the word the text ends in. Tables made once per vocabulary say it for
all tokens that invent nothing; the few that go on with, or begin, a word of the chat are looked up.
The rules of what counts as held are those of `attune.ground`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from attune.engines.openvino.draw import Row
from attune.ground import JOINS, Source, begins_sentence, has_digit

Ids = npt.NDArray[np.int64]

_RUN = re.compile(rf"[\w{JOINS}]*\Z")
_WORD = re.compile(r"[^\W_]")
_PART_OF_WORD = re.compile(rf" ?[\w{JOINS}]+")
_WORD_AND_END = re.compile(rf"( ?[\w{JOINS}]*[^\W_])[\W_]*")
_LETTERS = re.compile(r"( ?)([^\W\d_]+)")
_JOINED = re.compile(rf"[_{JOINS}]*[^\W_]")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_PLAIN_ESCAPES = re.compile(r'(?:[^\\]|\\["\\/n])*')
_ESCAPE = re.compile(r'\\(["\\/n])')
_CONTRACTED = ("'s", "'m", "'d", "'t", "'ll", "'ve", "'re", "’s", "’m", "’d", "’t", "’ll", "’ve", "’re")
_KEPT = 32
"""Characters of the text that are looked back at."""
_LONGEST_TOKEN = 24
_BYTES = {*range(0xC2, 0xF5), *range(0x80, 0xC0)}
"""Those of which UTF-8 makes all that is not ASCII."""
_NOTHING = Source("", True)


class Word(IntEnum):
    """What the text ends in."""

    NONE = 0
    """No word: the next letter begins one."""
    FREE = 1
    """A word that stays held with any letters after it."""
    HELD = 2
    """A name or code that is held as it stands."""
    PART = 3
    """The beginning of one, which must go on."""


class Vocabulary:
    """What each token of a vocabulary would write, and where it may always be written.

    `pieces` are the tokens' bytes, `ends` those that end the text. In a JSON string (`json`) a quote
    ends it too, and no escapes are written but those of a quote, a backslash, a slash and a line feed.
    """

    def __init__(self, pieces: list[bytes], ends: Iterable[int], names: bool, json: bool) -> None:
        self.pieces = pieces
        self.json = json
        self.quote = _ids(token for token, piece in enumerate(pieces) if piece == b'"')
        ending = [end for end in ends if end < len(pieces)]
        self.ends = _ids([*ending, *self.quote] if json else ending)
        self.parts_of_words: dict[str, list[int]] = {}
        """Tokens of nothing but a word or a part of one, perhaps after a space, by their case-folded text."""
        self.ends_of_words: dict[str, list[int]] = {}
        """Tokens of such a text and signs after it, by the text without them."""
        self.first_bytes: dict[int, list[int]] = {}
        """Tokens that are the first bytes of a character, by the first of all."""
        self._continuing: dict[bytes, list[tuple[int, str, bytes]]] = {}
        self._inner = [(token, piece) for token, piece in enumerate(pieces) if piece and _inside(piece[0])]
        self._all_bytes = {bytes([byte]) for byte in _BYTES} <= {piece for piece in pieces if len(piece) == 1}
        allowed = np.zeros((3, 2, len(pieces)), np.bool_)
        for token, piece in enumerate(pieces):
            if piece:
                self._place(token, piece, allowed, names)
        allowed[:, :, self.ends] = True
        if json and len(self.quote):  # a backslash is only ever followed by a quote
            allowed[:, :, [token for token, piece in enumerate(pieces) if piece == b"\\"]] = True
        self.banned = np.where(allowed, np.float32(0), np.float32(-np.inf))
        """Added to logits, by the kind of word the text ends in and whether a new one begins a sentence."""
        self.all_banned = np.full(len(pieces), -np.inf, np.float32)

    def _place(self, token: int, piece: bytes, allowed: npt.NDArray[np.bool_], names: bool) -> None:
        split = _split(piece)
        meaning = self.meaning(split[0]) if split else None
        if split is None or meaning is None:
            return
        text, begun = split
        may_end = not _JOINED.match(meaning)
        if begun:
            if not self._all_bytes or '"' in text or not reachable(begun)[0]:
                return
            if not text:
                self.first_bytes.setdefault(begun[0], []).append(token)
                may_end = reachable(begun)[1]
            meaning += "x"
        elif meaning == text and _PART_OF_WORD.fullmatch(text):
            self.parts_of_words.setdefault(text.casefold(), []).append(token)
        word_and_end = None if begun else _WORD_AND_END.fullmatch(meaning)
        if word_and_end and word_and_end[1] != text:
            self.ends_of_words.setdefault(word_and_end[1].casefold(), []).append(token)
        alone = safe(meaning, names)
        allowed[Word.NONE, :, token] = alone[:2]
        allowed[Word.FREE, :, token] = alone[2:]
        allowed[Word.HELD, :, token] = alone[:2] if may_end else False

    def meaning(self, text: str) -> str | None:
        """What `text` adds to the value, up to a quote that ends it; None where it might add anything."""
        if not self.json:
            return _CONTROL.sub(" ", text)
        text = _until_quote(text)
        if "\\" in text:
            if not _PLAIN_ESCAPES.fullmatch(text):
                return None
            text = _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)
        return _CONTROL.sub(" ", text).replace("\n", " ")

    def continuing(self, begun: bytes) -> list[tuple[int, str, bytes]]:
        """Tokens that go on with the character `begun`: what they write, and the character they begin."""
        if begun not in self._continuing:
            found = []
            for token, piece in self._inner:
                split = _split(begun + piece)
                if split is not None and not {'"', "\\"} & set(split[0]):
                    found.append((token, self.meaning(split[0]) or "", split[1]))
            self._continuing[begun] = found
        return self._continuing[begun]


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
        self._after_none, self._after_word = _ids(new + spaced), _ids(spaced)

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
        return banned, _ids([*self._after_word, *more]) if more else self._after_word

    def take(self, piece: bytes) -> None:
        """The token that writes `piece` was drawn, and the text goes on."""
        if self._escaped:
            self._escaped = False
            self._add('"')
        elif piece == b"\\" and self._vocabulary.json:
            self._escaped = True
        else:
            split = _split(self._begun + piece)
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
        return _ids(tokens) if tokens else self._vocabulary.ends

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


def safe(text: str, names: bool) -> tuple[bool, bool, bool, bool]:
    """Whether `text` invents nothing: after no word, after a sentence, in a free word, in one with a stop."""
    if has_digit(text):
        return False, False, False, False
    if not names or (text == text.lower() if text.isascii() else not any(map(str.isupper, text))):
        return True, True, True, True
    if match := _LETTERS.fullmatch(text):
        small = len(match[2]) == 1 or not match[2][0].isupper()
        return small, True, small or not match[1], True
    unknown = [next(_NOTHING.missing(before + text), None) for before in ("x ", '"', "x", "x.")]
    return unknown[0] is None, unknown[1] is None, unknown[2] is None, unknown[3] is None


@lru_cache(maxsize=4096)
def reachable(begun: bytes) -> tuple[bool, bool]:
    """Whether the bytes `begun` can become a character that is no digit, and one that ends a word."""
    length = 2 if begun[0] < 0xE0 else 3 if begun[0] < 0xF0 else 4
    letter = False
    for rest in product(range(0x80, 0xC0), repeat=length - len(begun)):
        try:
            sign = (begun + bytes(rest)).decode()
        except UnicodeDecodeError:
            continue
        letter = letter or not has_digit(sign)
        if not _PART_OF_WORD.fullmatch(sign):
            return True, True
    return letter, False


def _ending(before: str, rest: str) -> tuple[str, str]:
    """The text `before` + `rest`, split before the word it ends in; `before` ends in no word."""
    run = _RUN.search(rest)
    assert run is not None
    word = _WORD.search(rest, run.start())
    start = len(rest) if word is None else word.start()
    return before + rest[:start], rest[start:]


def _split(piece: bytes) -> tuple[str, bytes] | None:
    """The whole characters of `piece` and the bytes of one that is begun; None if it is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(piece)
    except UnicodeDecodeError:
        return None
    return text, decoder.getstate()[0]


def _inside(byte: int) -> bool:
    """Whether `byte` is one inside a character."""
    return byte & 0xC0 == 0x80


def _ids(tokens: Iterable[int]) -> Ids:
    return np.array(sorted(set(tokens)), np.int64)


def _until_quote(text: str) -> str:
    escaped = False
    for index, sign in enumerate(text):
        if sign == '"' and not escaped:
            return text[:index]
        escaped = sign == "\\" and not escaped
    return text
