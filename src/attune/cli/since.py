"""Times in options: `--since`, a time ago or a date, and spans like 7d."""

from __future__ import annotations

import re
import time
from datetime import datetime

import click

_SPAN = re.compile(r"(\d+)([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str) -> float:
    """Seconds since 1970 of "2h" ago, or of a date; one without a zone is in the zone of this machine."""
    if (ago := seconds(text)) is not None:
        return time.time() - ago
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise click.UsageError(f"--since {text}: needs something like 30m, 2h, 7d, or 2026-03-31") from error


def seconds(text: str) -> float | None:
    """The seconds of a time like 30m, 2h or 7d; None where it is none."""
    span = _SPAN.fullmatch(text)
    return int(span[1]) * _UNIT_S[span[2]] if span else None
