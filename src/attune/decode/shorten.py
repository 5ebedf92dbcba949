"""What of a written text stands: without control characters, and cut back where it is too long."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attune.request import Free

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_LAST_WORD = re.compile(r"\s+\S*$")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+[」』”’）]*")


def settled(said: str, slot: Free, stop: Iterable[str], full: bool) -> tuple[str, bool]:
    """What stands of `said`, all that was written into `slot`, and whether it met a limit: that of its
    characters, or if it is `full` that of its tokens, unless one of the `stop` strings came first."""
    text = CONTROL.sub(" ", said)
    text = text.replace("\n", " ") if slot.json else text
    stops = [start for start in map(text.find, stop) if start >= 0]
    if stops:
        text = text[: min(stops)]
    limit = len(text) > slot.max_chars or (full and not stops)
    if limit:
        text = shortened(text, slot.max_chars) if slot.whole else text[: slot.max_chars]
    return text, limit


def standing(said: str, slot: Free, stop: tuple[str, ...]) -> str:
    """What will stand of `said`, the beginning of a text, whatever comes: neither a stop string nor a cut
    takes it back."""
    longest = max(map(len, stop), default=1)
    sure = settled(said, slot, stop, full=False)[0][: len(said) - longest + 1]
    return sure[: surely_kept(sure)] if slot.whole else sure


def surely_kept(text: str) -> int:
    """How many characters of `text` stay if text is added and then `shortened`, whatever and however much:
    up to the last sentence that has surely ended, or before there is one, to the last word that has."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if match.end() < len(text)]
    if ends:
        return ends[-1]
    word = _LAST_WORD.search(text)
    return word.start() if word else 0


def shortened(text: str, chars: int) -> str:
    """The whole sentences of the first `chars` characters of `text`, or else the whole words, or else all."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if match.end() <= chars]
    if ends:
        return text[: ends[-1]]
    head = text[:chars]
    if text[chars : chars + 1].isspace():
        return head.rstrip()
    word = _LAST_WORD.search(head)
    return head[: word.start()] if word and word.start() else head
