"""What binds a text to the inside of a JSON string, where a program other than ours writes it."""

from __future__ import annotations

_FIRST = r'[^" \\\x00-\x1f]|[\\]["\\/]'
"""No field takes an empty text, and a model with nothing else in its way may like to end at once."""
_LETTER = r'[^"\\\x00-\x1f]|[\\]["\\/nt]'


def json_text(chars: int) -> str:
    """All texts of 1 to `chars` characters in a JSON string, in a form that regular expressions and
    llama.cpp's grammars share. An escape is one character."""
    return f"({_FIRST})({_LETTER}){{0,{chars - 1}}}"
