"""How the work stands: what waits, what was done, how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from attune.outcome import Place
from attune.store.schema import inbox, now, outcomes

NEWEST = 10_000
_MINUTE, _HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Status:
    waiting: int
    """Inputs that are free to be taken."""
    leased: int
    """Inputs in a live worker's hands."""
    oldest_waiting_s: float | None
    """How long the first in line waits; None when nothing waits."""
    counts: Mapping[Place, int]
    per_s_minute: float
    """Outcomes a second over the last minute."""
    per_s_hour: float
    p50_s: float | None
    """Half of the newest outcomes took no longer (total_s); None before the first."""
    p95_s: float | None
    p99_s: float | None


def counts(connection: Connection) -> dict[Place, int]:
    """How many outcomes each place has; places without any are there with 0."""
    rows = connection.execute(select(outcomes.c.place, func.count()).group_by(outcomes.c.place))
    return dict.fromkeys(Place, 0) | {Place(place): count for place, count in rows}


def waiting(connection: Connection) -> int:
    """How many inputs are in the inbox, in anybody's hands or not."""
    return connection.execute(select(func.count()).select_from(inbox)).scalar_one()


def status(connection: Connection) -> Status:
    held = (inbox.c.owner.is_not(None), inbox.c.lease_until > now())
    leased = _count(connection, *held)
    free = select(now() - inbox.c.enqueued_at).where(inbox.c.lease_until <= now())
    newest = select(outcomes.c.total_s).order_by(outcomes.c.created_at.desc()).limit(NEWEST)
    times = sorted(connection.execute(newest).scalars())
    return Status(
        waiting=waiting(connection) - leased,
        leased=leased,
        oldest_waiting_s=connection.execute(free.order_by(inbox.c.id).limit(1)).scalar(),
        counts=counts(connection),
        per_s_minute=_count(connection, outcomes.c.created_at > now() - _MINUTE) / _MINUTE,
        per_s_hour=_count(connection, outcomes.c.created_at > now() - _HOUR) / _HOUR,
        p50_s=_percentile(times, 50),
        p95_s=_percentile(times, 95),
        p99_s=_percentile(times, 99),
    )


def _count(connection: Connection, *conditions: ColumnElement[Any]) -> int:
    return connection.execute(select(func.count()).where(*conditions)).scalar_one()


def _percentile(ordered: list[float], percent: int) -> float | None:
    """The nearest rank: the smallest value that `percent` % of all do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None
