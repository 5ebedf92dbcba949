"""What a desk is set to: times, phrases, and who may come in without a password."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from attune.errors import BadConfig


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text that people insert; `language` is "" where it suits any."""

    name: str
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """As attune.config declares them, where each is explained."""

    lease_s: float = 600.0
    undo_s: float = 10.0
    target_s: float = 4 * 3600.0
    reviewer_language: str = "en"
    reasons: tuple[str, ...] = ("wrong facts", "wrong tone", "other")
    phrases: tuple[Phrase, ...] = ()
    secure: bool = False
    """Whether people come by https alone: the cookie is then sent on no other way."""
    alone: str = ""
    """One-user mode: who asks is this person. Only for a service that this machine alone can reach."""
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """What signs the cookies: the same in all processes that share a store, or a login holds in one alone."""
    session_s: float = 12 * 3600.0


def phrases_of(path: Path) -> tuple[Phrase, ...]:
    """The set phrases in a TOML file: a table for each language (or `any`), a name and a text a line.

    Raises BadConfig where it cannot be read so.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadConfig(f"the file of set phrases {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"the file of set phrases {path} is not TOML: {error}") from error
    return tuple(phrase for language, table in tables.items() for phrase in _phrases(path, language, table))


def _phrases(path: Path, language: str, table: object) -> list[Phrase]:
    if not isinstance(table, Mapping) or not all(isinstance(text, str) and text for text in table.values()):
        raise BadConfig(f'{path}: [{language}] must hold lines like "Thanks" = "Thank you for telling us."')
    spoken = "" if language == "any" else language
    return [Phrase(name, text.strip(), spoken) for name, text in table.items()]
