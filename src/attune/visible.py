"""Other people's text made safe to show: on a terminal, in a log, in an error."""

from __future__ import annotations

import re

# C0, DEL, C1 and what reorders or hides text around it. A tab or a line feed is for the caller to allow.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_HARMFUL_BUT_LINES = re.compile(_HARMFUL.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


def visible(text: str, lines: bool = False) -> str:
    """`text` with each control, escape and direction character written out, as in a Python string.

    With `lines`, line feeds stay.
    """
    return (_HARMFUL_BUT_LINES if lines else _HARMFUL).sub(lambda found: _written(ord(found[0])), text)


def _written(code: int) -> str:
    short = {9: "\\t", 10: "\\n", 13: "\\r"}
    return short.get(code) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
