"""Drawings: where the parts of a picture stand, in per cent of its width and height; the page draws them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from attune.axis import Axis, around_zero
from attune.pages import words
from attune.pages.insight_picture import Picture, Row

_LABELS = 6
_WIDER = 2
_MOST_TICKS = 7
_CLOCK = (60, 600, 3600, 4 * 3600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400)
"""Times worth a tick, in seconds."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a bar."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str
    place: str = "middle"
    """How the label stands to the tick: start, middle or end, so that none is cut off."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with what is told when the pointer rests on it; `x` and `width` are its whole room."""

    told: str
    boxes: tuple[Box, ...]
    x: float = 0.0
    width: float = 100.0


@dataclass(frozen=True, slots=True)
class Columns:
    """Bars beside one another, along time."""

    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Line:
    points: str
    tone: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Shares within a time: time along, on a scale of powers, per cent up."""

    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A line with the interval around it, time along."""

    line: str
    area: str
    zero: float
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def columns(picture: Picture) -> Columns:
    axis = around_zero((row.total for row in picture.rows), half=True)
    wide = 100 / max(1, len(picture.rows))
    bars = tuple(
        Bar(
            _told(picture, row),
            _stacked(picture, row, axis, place * wide, wide),
            round(place * wide, 3),
            wide,
        )
        for place, row in enumerate(picture.rows)
    )
    up = tuple(Tick(100 - axis.at(tick), f"{tick:,.0f}") for tick in axis.ticks)
    return Columns(bars, _times(picture.rows, wide), up)


def bars(picture: Picture) -> tuple[Bar, ...]:
    """Bars below one another, each a drawing of its own: the longest fills the width."""
    most = max((row.total for row in picture.rows), default=0) or 1
    return tuple(Bar(_told(picture, row), _beside(picture, row, most)) for row in picture.rows)


def curve(picture: Picture) -> Curve:
    """`picture` has a row for each per cent, and the seconds of each series in it."""
    every = [value for row in picture.rows for value in row.values if value > 0]
    low, high = min([60.0, *every]) / 1.3, max([3600.0, *every]) * 1.3
    axis = Axis(math.log(low), math.log(high), tuple(math.log(at) for at in _CLOCK if low < at < high))
    lines = tuple(
        Line(
            " ".join(f"{axis.at(math.log(row.values[place]))},{100 - _percent(row):g}" for row in picture.rows
                     if row.values[place] > 0),
            series.tone,
        )
        for place, series in enumerate(picture.series)
    )  # fmt: skip
    across = tuple(_tick(axis.at(tick), words.span(round(math.exp(tick)))) for tick in axis.ticks)
    return Curve(lines, across, tuple(Tick(100 - at, f"{at} %") for at in (0, 50, 100)))


def band(picture: Picture) -> Band:
    """`picture` has a value and its interval's ends in each row; the last ones take half of the height."""
    axis = around_zero(_WIDER * end for end in picture.rows[-1].values)
    wide = 100 / len(picture.rows)
    points = [
        ((place + 0.5) * wide, *(100 - axis.at(end) for end in row.values))
        for place, row in enumerate(picture.rows)
    ]
    area = [(x, low) for x, _, low, _ in points] + [(x, high) for x, _, _, high in reversed(points)]
    every = 2 if len(axis.ticks) > _MOST_TICKS else 1
    ticks = axis.ticks[len(axis.ticks) // 2 % every :: every]  # with 0, which is the middle one
    up = tuple(Tick(100 - axis.at(tick), f"{tick:+,g}" if tick else "0") for tick in ticks)
    line = ((x, value) for x, value, _, _ in points)
    return Band(_joined(line), _joined(area), 100 - axis.at(0), _times(picture.rows, wide), up)


def _joined(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def _percent(row: Row) -> float:
    return float(row.label.partition(" ")[0])


def _stacked(picture: Picture, row: Row, axis: Axis, x: float, wide: float) -> tuple[Box, ...]:
    boxes, below = list[Box](), 0.0
    for series, value in zip(picture.series, row.values, strict=True):
        height = axis.at(below + value) - axis.at(below)
        if value:
            y = 100 - axis.at(below + value)
            boxes.append(
                Box(round(x + 0.1 * wide, 3), y, round(0.8 * wide, 3), round(height, 2), series.tone)
            )
        below += value
    return tuple(boxes)


def _beside(picture: Picture, row: Row, most: float) -> tuple[Box, ...]:
    boxes, before = list[Box](), 0.0
    for series, value in zip(picture.series, row.values, strict=True):
        width = 100 * value / most
        if value:
            boxes.append(Box(round(before, 2), 0, round(width, 2), 100, series.tone))
        before += width
    return tuple(boxes)


def _told(picture: Picture, row: Row) -> str:
    parts = [
        f"{value:,.0f} {series.label.lower()}" if series.label else f"{value:,.0f}"
        for series, value in zip(picture.series, row.values, strict=True)
        if value
    ]
    return f"{row.label}: {', '.join(parts) or 'none'}"


def _times(rows: Sequence[Row], wide: float) -> tuple[Tick, ...]:
    step = max(1, math.ceil(len(rows) / _LABELS))
    return tuple(
        _tick((place + 0.5) * wide, rows[place].label.partition(" to ")[0].rpartition(", ")[2])
        for place in range(0, len(rows), step)
    )


def _tick(at: float, label: str) -> Tick:
    return Tick(round(at, 2), label, "start" if at < 6 else "end" if at > 94 else "middle")


Drawn = Columns | tuple[Bar, ...] | Curve | Band
DRAWN: Mapping[str, Callable[[Picture], Drawn]] = {
    "columns": columns,
    "bars": bars,
    "curve": curve,
    "band": band,
}
"""How a picture is drawn, by its kind."""
