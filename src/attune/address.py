"""Addresses of sources and sinks: scheme://where/name?option=value."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from attune.errors import AttuneError, BadConfig


@dataclass(frozen=True, slots=True)
class Address:
    """`where` and `name` come before the options: a broker and its topic, a project and a subscription."""

    text: str
    scheme: str
    where: str
    name: str
    options: dict[str, str]

    @classmethod
    def of(cls, text: str, scheme: str, name: str, query: str) -> Address:
        """An address of a form of its own, scheme:name?option=value."""
        return cls(text, scheme, "", name, dict(parse_qsl(query, keep_blank_values=True)))

    @property
    def shown(self) -> str:
        """The address without its options and passwords, as it is told to people and kept in the store."""
        where = f"//{self.where.rpartition('@')[2]}/" if self.where else ""
        return f"{self.scheme}:{where}{self.name}"

    def check_options(self, known: Collection[str]) -> None:
        """Raises BadConfig for an option that is none of `known`."""
        for name in self.options:
            if name not in known:
                told = ", ".join(sorted(known)) or "none"
                raise BadConfig(f"{self.shown}: unknown option {name!r}; there are: {told}")

    def number(self, name: str, default: float, low: float = 0.0) -> float:
        """An option that is a number of at least `low`."""
        text = self.options.get(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value < float("inf"):
            raise BadConfig(f"{self.shown}: {name}={text!r:.40} is no number of at least {low:g}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """An option that is true or false."""
        text = self.options.get(name, "true" if default else "false")
        if text not in ("true", "false"):
            raise BadConfig(f"{self.shown}: {name}={text!r:.40} is neither true nor false")
        return text == "true"


def parse_address(text: str, form: str) -> Address:
    """The parts of `text`. Raises BadConfig where one is missing: `form` shows how it should look."""
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise BadConfig(f"{text!r:.200} is no address like {form}: {error}") from error
    name = unquote(parts.path.strip("/"))
    if not parts.netloc or not name:
        raise BadConfig(f"{text!r:.200} is no address like {form}")
    return Address(
        text, parts.scheme, parts.netloc, name, dict(parse_qsl(parts.query, keep_blank_values=True))
    )


def load(module: str, extra: str) -> Any:
    """A library that is not there by default. Raises AttuneError with the command that installs it."""
    try:
        found: ModuleType = import_module(module)
    except ImportError as error:
        raise AttuneError(f"{module} is not installed: pip install 'attune[{extra}]'") from error
    return found
