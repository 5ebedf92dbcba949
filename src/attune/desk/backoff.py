"""How long to wait after failures: of logins, and of a reply that could not be sent."""

from __future__ import annotations

from collections.abc import Mapping
from random import uniform

FREE_TRIES: Mapping[str, int] = {"user": 3, "address": 20}
"""So many logins may fail in a row at once: by the name tried, and from one address (an office has one)."""
_LONGEST_S = 900.0


def pause_s(failures: int, free: int) -> float:
    """The pause before the next try: none for the first `free`, then 4, 8, 16, … up to 15 minutes."""
    return 0.0 if failures <= free else min(_LONGEST_S, 2.0 ** min(failures - free + 1, 30))


def retry_s(tries: int, first_s: float = 1.0, longest_s: float = 300.0) -> float:
    """The pause before a reply is sent again, after `tries`: anything up to twice the last bound, so that
    senders that failed together do not come back together ("full jitter")."""
    return uniform(0.0, min(longest_s, first_s * 2.0 ** min(tries, 30)))  # noqa: S311 - no secret
