"""Letters to try the compose page with, in several languages."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import attune
from attune.pages import words

_FILE = Path(attune.__file__).parent / "samples" / "mails.toml"


@dataclass(frozen=True, slots=True)
class Sample:
    language: str
    subject: str
    text: str
    instruction: str

    @property
    def name(self) -> str:
        return words.language(self.language)


@cache
def samples() -> tuple[Sample, ...]:
    letters = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Sample(language, said["subject"], said["text"].strip(), said["instruction"])
        for language, said in letters.items()
    )
