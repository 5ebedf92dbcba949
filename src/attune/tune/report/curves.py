"""Curves: loss and token accuracy by epoch, as points of a picture; the templates draw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from attune.axis import Axis, rounded
from attune.tune.train import Epoch

WIDTH, HEIGHT = 480, 220
"""Of a panel, in the units of its picture."""
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 30
"""The room around what is drawn, for the axes."""
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through `points`, x and y in the units of the picture."""

    name: str
    tone: str
    points: tuple[tuple[float, float], ...]

    @property
    def line(self) -> str:
        return " ".join(f"{x},{y}" for x, y in self.points)


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure: its curves, ticks as (where, what), and where the chosen epoch stands."""

    name: str
    curves: tuple[Curve, ...]
    rows: tuple[tuple[float, str], ...]
    columns: tuple[tuple[float, str], ...]
    chosen: float
    epoch: int


def panels(epochs: Sequence[Epoch], chosen: int) -> list[Panel]:
    """A panel for the loss, and one for the share of right tokens."""
    drawn = [
        ("Loss (nats a token)", [each.loss for each in epochs], [each.held_out_loss for each in epochs]),
        (
            "Tokens right (%)",
            [100 * each.accuracy for each in epochs],
            [None if each.held_out_accuracy is None else 100 * each.held_out_accuracy for each in epochs],
        ),
    ]
    return [_panel(name, chosen, trained, held_out) for name, trained, held_out in drawn]


def _panel(name: str, chosen: int, trained: Sequence[float], held_out: Sequence[float | None]) -> Panel:
    height = _axis([*trained, *(value for value in held_out if value is not None)])
    width = Axis(1.0, max(2.0, float(len(trained))), _epochs(len(trained)))
    curves = [Curve("trained", "one", _points(width, height, trained))]
    if any(value is not None for value in held_out):
        curves.append(Curve("held out", "two", _points(width, height, held_out)))
    return Panel(
        name,
        tuple(curves),
        tuple((_y(height, tick), f"{tick:g}") for tick in height.ticks),
        tuple((_x(width, tick), f"{tick:g}") for tick in width.ticks),
        _x(width, chosen),
        chosen,
    )


def _points(width: Axis, height: Axis, values: Sequence[float | None]) -> tuple[tuple[float, float], ...]:
    known = [(epoch, value) for epoch, value in enumerate(values, start=1) if value is not None]
    return tuple((_x(width, epoch), _y(height, value)) for epoch, value in known)


def _axis(values: Sequence[float]) -> Axis:
    """From a round number below the values to one above them."""
    low, high = min(values), max(values)
    step = rounded(max((high - low) / _TICKS, 0.01), up=True)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    ticks = tuple(round(step * number, 6) for number in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _epochs(count: int) -> tuple[float, ...]:
    step = max(1, math.ceil(count / 10))
    return tuple(float(epoch) for epoch in range(1, count + 1) if epoch == 1 or epoch % step == 0)


def _x(axis: Axis, value: float) -> float:
    return round(LEFT + axis.at(value) / 100 * (WIDTH - LEFT - RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - BOTTOM - axis.at(value) / 100 * (HEIGHT - TOP - BOTTOM), 1)
