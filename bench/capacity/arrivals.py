"""When chats come: a daily curve, and bursts on top of it.

A day of a contact centre is a Poisson process with a rate that follows the hour (Brown et al., Statistical
Analysis of a Telephone Call Center, Journal of the American Statistical Association 100, 2005), and what that
leaves out, more chats for a while because something has happened, a Markov-modulated Poisson process of two
states (Fischer and Meier-Hellstern, The Markov-modulated Poisson process (MMPP) cookbook, Performance
Evaluation 18, 1993). Times are drawn by thinning (Lewis and Shedler, Simulation of nonhomogeneous Poisson
processes by thinning, Naval Research Logistics Quarterly 26, 1979).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Load:
    """How many chats a day, how much more at noon than at midnight, and how it bursts."""

    chats_per_day: float
    daily_swing: float
    burst_factor: float
    burst_mean_s: float
    between_bursts_s: float

    @property
    def quiet_per_s(self) -> float:
        """The mean rate outside bursts that makes `chats_per_day` with them."""
        share = self.burst_mean_s / (self.burst_mean_s + self.between_bursts_s)
        return self.chats_per_day / DAY_S / (1 + share * (self.burst_factor - 1))

    def rate(self, at_s: float, bursting: bool) -> float:
        """Chats a second at a time of the day (0 is midnight, when it is quietest)."""
        daily = 1 - self.daily_swing * math.cos(2 * math.pi * at_s / DAY_S)
        return self.quiet_per_s * daily * (self.burst_factor if bursting else 1.0)


def steady(per_s: float, chats: int, chance: random.Random) -> Iterator[float]:
    """`chats` times of a Poisson process."""
    at_s = 0.0
    for _ in range(chats):
        at_s += chance.expovariate(per_s)
        yield at_s


def of_days(load: Load, days: float, chance: random.Random) -> Iterator[float]:
    """The times of all chats of so many days."""
    most = load.quiet_per_s * (1 + load.daily_swing) * max(1.0, load.burst_factor)
    at_s, bursting, until_s = 0.0, False, chance.expovariate(1 / load.between_bursts_s)
    while (at_s := at_s + chance.expovariate(most)) < days * DAY_S:
        while at_s > until_s:
            bursting = not bursting
            until_s += chance.expovariate(1 / (load.burst_mean_s if bursting else load.between_bursts_s))
        if chance.random() * most < load.rate(at_s, bursting):
            yield at_s
