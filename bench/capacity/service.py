"""What was measured of one worker: how long a chat takes alone, and how many a second it does together."""

from __future__ import annotations

import json
import statistics
from bisect import bisect_left
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "measured.json"


@dataclass(frozen=True, slots=True)
class Case:
    """A run that was really done: chats that came by chance, and how long they took. Times in seconds."""

    load: float
    """Of the most that the worker does."""
    per_s: float
    chats: int
    drafts: int
    outcome_s: tuple[float, float]
    """Until the outcome was durable: p50 and p99."""
    draft_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Service:
    """One worker, measured."""

    machine: str
    date: str
    cores: int
    model: str
    load_s: float
    """From nothing to an engine that answers."""
    triage_s: tuple[float, ...]
    """Of each chat that got no draft, when it was alone: the whole verdict."""
    draft_s: tuple[float, ...]
    """Of each chat that got a draft: verdict and draft."""
    curve: dict[int, float]
    """Chats a second by how many were in flight at once."""
    cases: tuple[Case, ...]
    note: str = ""
    """What else should be known of the measurement, in words."""

    @property
    def in_flight(self) -> int:
        return max(self.curve)

    @property
    def best_per_s(self) -> float:
        return max(self.curve.values())

    @property
    def alone_s(self) -> float:
        """The mean chat's time, when it is alone."""
        return statistics.fmean((*self.triage_s, *self.draft_s))

    def speed(self, n: int) -> float:
        """Seconds of a chat's time alone that get done in one, with `n` in flight; between points, a line."""
        known = sorted(self.curve)
        right = min(bisect_left(known, n), len(known) - 1)
        low, high = known[max(0, right - 1)], known[right]
        share = min(1.0, (n - low) / (high - low)) if high > low else 1.0
        return self.alone_s * (self.curve[low] + share * (self.curve[high] - self.curve[low]))


def save(service: Service, path: Path = FILE) -> None:
    path.write_text(json.dumps(asdict(service), indent=1) + "\n", encoding="utf-8")


def read(path: Path = FILE) -> Service:
    """The measurement in `path`, as it was saved."""
    found = json.loads(path.read_text(encoding="utf-8"))
    found["curve"] = {int(n): rate for n, rate in found["curve"].items()}
    found["cases"] = tuple(Case(**_tuples(case)) for case in found["cases"])
    return Service(**_tuples(found))


def _tuples(found: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
