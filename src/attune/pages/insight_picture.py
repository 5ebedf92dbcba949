"""A picture's figures: rows and columns of numbers. The drawing, the table behind it and the export are all
made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """A column: `tone` is its colour."""

    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    """A bar, or a point of a curve: a number for each series, and what else the table says of it."""

    label: str
    values: tuple[float, ...]
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Picture:
    """`kind` is how it is drawn: columns along time, bars below one another, a curve of waiting times, or the
    band of an interval along time."""

    name: str
    title: str
    told: str
    """What it shows, in a sentence."""
    head: str
    """What a row is."""
    series: tuple[Series, ...]
    rows: tuple[Row, ...]
    kind: str = "columns"
    notes: tuple[str, ...] = ()
    """The heads of the rows' notes."""

    @property
    def empty(self) -> bool:
        return not self.filled

    @property
    def totals(self) -> tuple[float, ...]:
        return tuple(sum(row.values[place] for row in self.rows) for place in range(len(self.series)))

    @property
    def filled(self) -> tuple[Row, ...]:
        """The rows that have something in them: what a table is read for."""
        return tuple(row for row in self.rows if any(row.values))

    def records(self) -> Iterator[Sequence[str | float]]:
        """The numbers for an export: picture, row, series, value; then the notes in the same shape."""
        for row in self.filled:
            for series, value in zip(self.series, row.values, strict=True):
                yield self.title, row.label, series.label, value
            for note, said in zip(self.notes, row.notes, strict=True):
                yield self.title, row.label, note, said


def share(part: float, whole: float) -> str:
    """A share in words: "31 %", "under 1 %"; "–" of nothing."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 1 or not part else "under 1 %"
