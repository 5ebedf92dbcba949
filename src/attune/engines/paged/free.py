"""The writer of free text: where it ends, and what of it may stand in the answer."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable

from attune.decode.draw import Draw, Row, log_probabilities
from attune.decode.shorten import CONTROL, shortened, surely_kept
from attune.engines.paged.grounded import Grounding
from attune.engines.paged.tokens import Tokens
from attune.errors import EngineError
from attune.ground import source_of
from attune.request import Free

_SLACK = 8
"""Tokens the last words may need more, when they are encoded again after a cut."""
_QUOTE, _BACKSLASH = ord('"'), ord("\\")
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt])|$)')
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class FreeWriter:
    """Writes until the text ends (see `attune.request.Free`) or meets a limit."""

    def __init__(
        self,
        slot: Free,
        tokens: Tokens,
        draw: Draw,
        logprobs: bool = False,
        written: Callable[[str], None] | None = None,
    ) -> None:
        if slot.max_chars < 1 or slot.max_tokens < 1:
            raise EngineError(f"{slot.name}: room for one character and one token is needed at least.")
        self._slot = slot
        self._tokens = tokens
        self._draw = draw
        self._grounding = _grounding(slot, tokens)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._escaped = False
        self._said = ""
        self._written = written
        self._told = 0
        """Characters of the text that `written` has been given."""
        self.name = slot.name
        self.ids: list[int] = []
        self.text = ""
        self.done = False
        self.finish = "stop"
        self.probability: float | None = None
        self.most = slot.max_tokens + _SLACK
        self.logprobs: list[float] | None = [] if logprobs else None
        """Of the tokens in `ids`, if wanted."""

    def start(self) -> None:
        """Nothing stands before the model has written."""

    def read(self, logits: Row) -> None:
        banned, also = self._grounding.mask() if self._grounding else (self._tokens.banned, None)
        token = self._draw.any(logits, banned, also)
        piece = self._tokens.pieces[token]
        quote = self._quote(piece) if self._slot.json else None
        self._said += self._decoder.decode(piece[:quote])
        ended = quote is not None or token in self._tokens.ends
        if not ended:
            self.ids.append(token)
            if self._grounding:
                self._grounding.take(piece)
            if self.logprobs is not None:
                self.logprobs.append(float(log_probabilities(logits[None], [token])[0]))
        stop = self._stop()
        if stop is not None or ended:
            self._end(self._value()[:stop], limit=False)
        else:
            self._end_at_limit()
        self._tell()

    def settle(self) -> int:
        target = self.text.encode()
        kept, size = 0, 0
        for token in self.ids:
            piece = self._tokens.pieces[token]
            if not target.startswith(piece, size):
                break
            kept, size = kept + 1, size + len(piece)
        while size < len(target) and target[size] & 0xC0 == 0x80:  # inside a character
            kept -= 1
            size -= len(self._tokens.pieces[self.ids[kept]])
        if self.logprobs is not None:
            del self.logprobs[kept:]
        whole = self.ids[:kept] + self._tokens.encode(target[size:].decode())
        self.ids = whole[: self.most]  # a text of broken characters may need more: later slots see less of it
        return kept

    def _quote(self, piece: bytes) -> int | None:
        """Where in `piece` the string ends, if it does."""
        for index, byte in enumerate(piece):
            if self._escaped:
                self._escaped = False
            elif byte == _QUOTE:
                return index
            else:
                self._escaped = byte == _BACKSLASH
        return None

    def _stop(self) -> int | None:
        """Where the first stop string begins in what was meant, where line feeds still are."""
        if not self._draw.stop:
            return None
        meant = self._meant()
        found = [start for start in map(meant.find, self._draw.stop) if start >= 0]
        return min(found, default=None)

    def _end_at_limit(self) -> None:
        out_of_tokens = len(self.ids) == self._slot.max_tokens
        if out_of_tokens or len(self._said) > self._slot.max_chars:
            value = self._value()
            if out_of_tokens or len(value) > self._slot.max_chars:
                self._end(value, limit=True)

    def _end(self, value: str, limit: bool) -> None:
        if self._grounding:
            value = value.lstrip()
        if limit or len(value) > self._slot.max_chars:
            chars = self._slot.max_chars
            value = shortened(value, chars) if self._slot.whole else value[:chars]
            self.finish = "limit"
        if self._grounding:  # a cut may have left the beginning of a word
            value = self._grounding.source.grounded_part(value)
        self.text = json.dumps(value, ensure_ascii=False)[1:-1] if self._slot.json else value
        self.done = True

    def _tell(self) -> None:
        """Gives `written` what is new of the text and will stand whatever comes."""
        if self._written is None:
            return
        if self.done:
            stands = self.text
        elif self._grounding:  # its ends are looked over once more
            return
        else:
            stands = self._value()[: self._sure()]
            stands = stands[: surely_kept(stands)] if self._slot.whole else stands
        if len(stands) > self._told:
            piece, self._told = stands[self._told :], len(stands)
            self._written(piece)

    def _sure(self) -> int:
        """How many characters no stop string can take back any more."""
        begun = (
            length
            for stop in self._draw.stop
            for length in range(len(stop) - 1, 0, -1)
            if self._said.endswith(stop[:length])
        )
        return len(self._said) - max(begun, default=0)

    def _value(self) -> str:
        value = CONTROL.sub(" ", self._meant())
        return value.replace("\n", " ") if self._slot.json else value

    def _meant(self) -> str:
        return unescaped(self._said) if self._slot.json else self._said


def _grounding(slot: Free, tokens: Tokens) -> Grounding | None:
    if slot.grounds is None:
        return None
    source = source_of(slot.grounds.source, slot.grounds.names)
    return Grounding(source, tokens.grounded(slot.grounds.names, slot.json))


def unescaped(text: str) -> str:
    """What `text` means inside a JSON string; a backslash that begins no escape means itself."""

    def meaning(match: re.Match[str]) -> str:
        code, letter = match[1], match[2]
        if code:
            return chr(int(code, 16))
        return _ESCAPED.get(letter, letter) if letter else ""

    whole = _ESCAPE.sub(meaning, text)
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
