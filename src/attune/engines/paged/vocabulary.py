"""A vocabulary as grounded text sees it: what each token writes, and where it can invent nothing."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from attune.decode.shorten import CONTROL
from attune.ground import JOINS, Source, has_digit

Ids = npt.NDArray[np.int64]

_PART_OF_WORD = re.compile(rf" ?[\w{JOINS}]+")
_WORD_AND_END = re.compile(rf"( ?[\w{JOINS}]*[^\W_])[\W_]*")
_LETTERS = re.compile(r"( ?)([^\W\d_]+)")
_JOINED = re.compile(rf"[_{JOINS}]*[^\W_]")
_PLAIN_ESCAPES = re.compile(r'(?:[^\\]|\\["\\/n])*')
_ESCAPE = re.compile(r'\\(["\\/n])')
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
        self.quote = ids_of(token for token, piece in enumerate(pieces) if piece == b'"')
        ending = [end for end in ends if end < len(pieces)]
        self.ends = ids_of([*ending, *self.quote] if json else ending)
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
        split = whole_characters(piece)
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
            return CONTROL.sub(" ", text)
        text = _until_quote(text)
        if "\\" in text:
            if not _PLAIN_ESCAPES.fullmatch(text):
                return None
            text = _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)
        return CONTROL.sub(" ", text).replace("\n", " ")

    def continuing(self, begun: bytes) -> list[tuple[int, str, bytes]]:
        """Tokens that go on with the character `begun`: what they write, and the character they begin."""
        if begun not in self._continuing:
            found = []
            for token, piece in self._inner:
                split = whole_characters(begun + piece)
                if split is not None and not {'"', "\\"} & set(split[0]):
                    found.append((token, self.meaning(split[0]) or "", split[1]))
            self._continuing[begun] = found
        return self._continuing[begun]


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


def whole_characters(piece: bytes) -> tuple[str, bytes] | None:
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


def ids_of(tokens: Iterable[int]) -> Ids:
    return np.array(sorted(set(tokens)), np.int64)


def _until_quote(text: str) -> str:
    escaped = False
    for index, sign in enumerate(text):
        if sign == '"' and not escaped:
            return text[:index]
        escaped = sign == "\\" and not escaped
    return text
