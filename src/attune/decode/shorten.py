"""What of a written text stands: without control characters, and cut back where it is too long."""

from __future__ import annotations

import re

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_LAST_WORD = re.compile(r"\s+\S*$")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+[」』”’）]*")


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
