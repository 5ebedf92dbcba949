"""Prompts: a template that makes one text of a record, and the ones that go by a name."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.errors import BadConfig

BUILT_IN = Path(__file__).parent / "prompts.toml"
TEXT = "text_inputs"
"""The key that holds a record's text, or its texts."""


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt with places for the keys of a record: pairs of words and the key whose value follows them.

    Values are put in as they are and never looked at again: a brace in a customer's words is a brace.
    """

    text: str = f"{{{TEXT}}}"
    parts: tuple[tuple[str, str], ...] = (("", TEXT),)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(key for _, key in self.parts if key)

    def fill(self, values: Mapping[str, Any]) -> str:
        """The prompt of a record. Raises BadConfig for a key that is missing or holds no text or number."""
        return "".join(words + (_said(values, key) if key else "") for words, key in self.parts)


PLAIN = Template()
"""The text as it is."""


def template(prompt: str, file: Path | None = None) -> Template:
    """The template that `prompt` names or is. Names are those of `file`, then the built-in ones.

    Raises BadConfig for a name that is unknown and a template that cannot be read.
    """
    named = {**read_prompts(BUILT_IN), **(read_prompts(file) if file else {})}
    text = named.get(prompt, prompt)
    if "{" not in text:
        raise BadConfig(
            f"no prompt is called {prompt!r}; there are {', '.join(named)}. "
            f"One of your own has a place for the text, like {{{TEXT}}}"
        )
    return parse(text)


def parse(text: str) -> Template:
    """The template in `text`, where {KEY} is a key of the record, and {{ and }} are braces."""
    try:
        parts = [
            (words, _key(key, form, turned)) for words, key, form, turned in string.Formatter().parse(text)
        ]
    except ValueError as error:
        raise BadConfig(
            f"the prompt {text!r:.80}: {error}; a brace that is meant is written twice"
        ) from error
    if not any(key for _, key in parts):
        raise BadConfig(f"the prompt {text!r:.80} has no place for the text, like {{{TEXT}}}")
    return Template(text, tuple(parts))


def read_prompts(file: Path) -> dict[str, str]:
    """The prompts of a TOML file by their names. Raises BadConfig."""
    try:
        named = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadConfig(f"the prompts {file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"the prompts {file} are not TOML: {error}") from error
    for name, text in named.items():
        if not isinstance(text, str):
            raise BadConfig(f"{file}: {name} must be a text, like {name} = 'Summarize: {{{TEXT}}}'")
        parse(text)
    return named


def _key(key: str | None, form: str | None, turned: str | None) -> str:
    if key is None:
        return ""
    if not key.isidentifier() or form or turned:
        raise BadConfig(
            f"the prompt's place {{{key}}} is no key of a record; a brace that is meant is written twice"
        )
    return key


def _said(values: Mapping[str, Any], key: str) -> str:
    if key not in values:
        raise BadConfig(f"{key}: missing, and the prompt needs it")
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadConfig(f"{key}: the prompt needs a text or a number there")
    return str(value)
