"""Sentences and turns of a chat: what an excerpt may be, so that it is always the chat's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attune.chat import Chat, Role

_TELLING = 16
_BETWEEN = " … "
_WIDE_SIGN = "\u3000-\u9fff\uac00-\ud7a3\uff00-\uffef"
_SENTENCE = re.compile(
    rf".+?(?:[.!?…]+[\"'”’»)\]]*(?=\s|$)|[!?]+(?=[{_WIDE_SIGN}])|[。！？]+[」』）]*|\n|$)", re.DOTALL
)
_WIDE = re.compile(f"[{_WIDE_SIGN}]")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, in order, white space inside each made single spaces."""
    found = (" ".join(match.group().split()) for match in _SENTENCE.finditer(text))
    return [sentence for sentence in found if sentence]


def candidates(
    chat: Chat, max_chars: int, sentences_at_once: int = 2, role: Role | None = None, most: int = 24
) -> tuple[str, ...]:
    """Runs of one or more sentences in a row from one turn of the chat, each at most `max_chars` long.

    Only turns of `role` where that is given and it said anything. Sentences too short to tell
    something ("ok", "Hi!") are left out while longer ones are there. The first `most` of them.
    """
    turns = [turn.text for turn in chat.turns if role is None or turn.role is role]
    spoken = (sentences(text) for text in turns or [turn.text for turn in chat.turns])
    runs = (run for turn in spoken for run in _runs(turn, max_chars, sentences_at_once))
    telling: dict[str, None] = {}
    short: dict[str, None] = {}
    for run in runs:
        (telling if _weight(run) >= _TELLING else short)[run] = None
        if len(telling) == most:  # a long chat is not searched to its end
            break
    return tuple(telling or [*short][:most])


def runs_of_turns(
    chat: Chat, max_chars: int, turns: int, role: Role | None = None, most: int = 24
) -> tuple[str, ...]:
    """Runs of `turns` turns in a row, each run cut to whole sentences of at most `max_chars`
    together; of a shorter chat all of it.

    An ellipsis stands where one turn ends and the next begins: something may have been said between.
    Only turns of `role` where that is given and it said anything; turns too short to tell something are
    left out while longer ones are there. The first `most` of the runs.
    """
    said = [(turn.role, " ".join(turn.text.split())) for turn in chat.turns]
    spoken = [text for whose, text in said if text and role in (None, whose)] or [t for _, t in said if t]
    spoken = [text for text in spoken if _weight(text) >= _TELLING] or spoken
    starts = range(max(1, len(spoken) - turns + 1))
    runs = (_whole_sentences(_BETWEEN.join(spoken[start : start + turns]), max_chars) for start in starts)
    return tuple(dict.fromkeys(filter(None, runs)))[:most]


def shorten(text: str, max_chars: int) -> str:
    """The beginning of `text`, at most `max_chars` characters, ending at a whole word where there is one."""
    if len(text) <= max_chars:
        return text
    cut = text[:max_chars]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip()


def is_excerpt(value: str, chat: Chat) -> bool:
    """Whether each part of `value`, from ellipsis to ellipsis and white space aside, stands in one turn."""
    turns = ["".join(turn.text.replace("…", "").split()) for turn in chat.turns]
    parts = ("".join(part.split()) for part in value.split("…"))
    return all(any(part in turn for turn in turns) for part in parts)


def _runs(turn: list[str], max_chars: int, most: int) -> Iterator[str]:
    for start, first in enumerate(turn):
        yield shorten(first, max_chars)
        for end in range(start + 2, min(start + most, len(turn)) + 1):
            joined = " ".join(turn[start:end])
            if len(joined) <= max_chars:
                yield joined


def _whole_sentences(text: str, max_chars: int) -> str:
    """The first sentences of `text` that fit together, or of a first that is too long its beginning."""
    ends = [match.end() for match in _SENTENCE.finditer(text) if match.end() <= max_chars]
    return text[: ends[-1]].rstrip(_BETWEEN) if ends else shorten(text, max_chars)


def _weight(sentence: str) -> int:
    """Characters, with those of scripts that write a syllable or a word in one sign counted double."""
    return len(sentence) + len(_WIDE.findall(sentence))
