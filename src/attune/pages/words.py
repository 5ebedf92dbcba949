"""What is stored as a code, said in plain words; and other people's text made safe to read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay",
    "nb": "Norwegian Bokmål", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish",
    "sw": "Swahili", "ta": "Tamil", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
WHO = {"customer": "Customer", "agent": "Agent", "bot": "Bot"}


class Mood(NamedTuple):
    name: str
    tone: str


MOODS: Mapping[Any, Mood] = {-1: Mood("Unhappy", "bad"), 0: Mood("Neutral", ""), 1: Mood("Happy", "good")}
_UNKNOWN = Mood("Feeling unknown", "")
_FLAGS = (
    (re.compile(r"draft: set phrases"), "Set phrases around the customer's words: this model does not write"),
    (re.compile(r"no draft: (.*)", re.DOTALL), r"There is no draft: \1"),
    (re.compile(r"ungrounded: (.*)", re.DOTALL), r"Check this, it is not in the conversation: \1"),
    (re.compile(r"shortened: (\d+) lines left out"), r"The model did not see \1 lines in the middle"),
)
_TAG = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# What a reader cannot see, or what moves the text around it. Marks that right-to-left writing and joined
# emojis need (U+200C to U+200F, U+061C) stay: each text has a direction of its own, so they reach no other.
_HIDDEN = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
    "|[\U000e0000-\U000e007f]+)"
)


def mood(values: Mapping[str, Any]) -> Mood:
    return MOODS.get(values.get("sentiment"), _UNKNOWN)


def language(code: str | None) -> str:
    """The language's name; what is no known code is shown as it is."""
    return LANGUAGES.get((code or "").lower().partition("-")[0], code or "Language unknown")


def tag(code: str | None) -> str:
    """The language as an attribute of a page may have it (BCP 47): "und" for what is no known one."""
    known = _TAG.fullmatch(code or "") and (code or "").lower().partition("-")[0] in LANGUAGES
    return code if code and known else "und"


def flag(told: str) -> str:
    """A flag of an outcome, in plain words."""
    for pattern, words in _FLAGS:
        if found := pattern.fullmatch(told):
            return found.expand(words)
    return told


def span(seconds: float) -> str:
    """How long, to two units at most: "40 s", "12 min", "2 h 5 min", "3 d 4 h"."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{max(0, int(seconds))} s"
    hours, days = minutes // 60, minutes // 1440
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def utc(at: float) -> str:
    """A moment as the browser reads it, and as it stands where no script runs."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """`text` in its parts: (False, words), and (True, "U+202E") for a character that nobody sees."""
    for place, part in enumerate(_HIDDEN.split(text.replace("\r\n", "\n"))):
        if place % 2:
            yield True, " ".join(f"U+{ord(each):04X}" for each in part)
        elif part:
            yield False, part


def title(values: Mapping[str, Any]) -> str:
    """What a chat was about, in a line: its summary, or whatever its task says."""
    said = values.get("summary") or " · ".join(str(value) for value in values.values() if value != "")
    return str(said) or "No summary"


def several(number: int, noun: str) -> str:
    """A number with its noun: 1 word, 2,340 words."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def pairs(codes: Sequence[str], names: Mapping[str, str], every: str) -> list[tuple[str, str]]:
    """Options of a select: all, then each by its name."""
    return [("", every), *sorted(((code, names.get(code, code)) for code in codes), key=lambda each: each[1])]
