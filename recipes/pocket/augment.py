"""Augment: the same conversation with other names, numbers and goods, or in a worse hand.

What is swapped is swapped in chat, summary and reply alike; a swap after which the gold would tell
something that the chat does not is undone. No turn is ever dropped: how the customer feels is said last.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from attune.chat import Role, Turn
from attune.ground import ungrounded
from recipes.pocket.gold import Example

_NUMBER = re.compile(r"(?<!\d)\d{3,}(?!\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
_WORD = re.compile(r"[^\W\d_]{4,}")
_ASCII = re.compile(r"[A-Za-z]")


def augment(example: Example, rng: random.Random) -> Example:
    swapped = _swapped(example, rng) if rng.random() < 0.7 else example
    worse = rng.random()
    if worse < 0.12:
        return _rewritten(swapped, str.lower)
    if worse < 0.27:
        kept = set(_WORD.findall(f"{swapped.summary} {swapped.reply or ''}"))
        return _rewritten(swapped, lambda text: _mistyped(text, kept, rng))
    return swapped


def _swapped(example: Example, rng: random.Random) -> Example:
    chat, language = example.chat, example.chat.language or ""
    swap = {
        number: _other(number, rng) for number in _NUMBER.findall(chat.text) if not _YEAR.fullmatch(number)
    }
    for kind in ("names", "goods"):
        listed = swaps()[kind].get(language, [])
        for word in listed:
            if word in chat.text:
                swap[word] = rng.choice(listed)
    if not swap or len(set(swap.values())) < len(swap):
        return example
    # Letters of a script with cases end a word; elsewhere a word may go on with its particles.
    parts = [rf"\b{re.escape(one)}(?=s?\b)" if _ASCII.match(one) else re.escape(one) for one in swap]
    pattern = re.compile("|".join(f"(?<!\\d){p}(?!\\d)" for p in sorted(parts, key=len, reverse=True)))
    made = _everywhere(example, lambda text: pattern.sub(lambda match: swap[match.group()], text))
    return made if invented(made) <= invented(example) else example


def invented(example: Example) -> int:
    """How many numbers and names of the gold texts are not in the chat."""
    gold = f"{example.summary}\n{example.reply or ''}"
    return len(ungrounded(gold, example.chat.text, example.chat.language))


def _everywhere(example: Example, change: Callable[[str], str]) -> Example:
    turns = tuple(Turn(turn.role, change(turn.text)) for turn in example.chat.turns)
    reply = change(example.reply) if example.reply else None
    return replace(
        example, chat=replace(example.chat, turns=turns), summary=change(example.summary), reply=reply
    )


def _rewritten(example: Example, change: Callable[[str], str]) -> Example:
    """The customer's side changed, all else as it was."""
    turns = tuple(
        Turn(turn.role, change(turn.text)) if turn.role is Role.CUSTOMER else turn
        for turn in example.chat.turns
    )
    return replace(example, chat=replace(example.chat, turns=turns))


def _mistyped(text: str, kept: set[str], rng: random.Random) -> str:
    """One word in twelve with a slip of the finger; never one that the gold repeats."""

    def slip(match: re.Match[str]) -> str:
        word = match.group()
        if word in kept or rng.random() > 1 / 12:
            return word
        at = rng.randrange(1, len(word) - 1)
        return rng.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            )
        )

    return _WORD.sub(slip, text)


def _other(number: str, rng: random.Random) -> str:
    """Another number with as many digits."""
    first = number[0] if number[0] == "0" else rng.choice("123456789")
    return first + "".join(rng.choices("0123456789", k=len(number) - 1))


@cache
def swaps() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((Path(__file__).parent / "swaps.toml").read_text(encoding="utf-8"))
