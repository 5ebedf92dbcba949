"""How figures are written for people: on a terminal and on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attune.measure.evaluation import Evaluation
    from attune.measure.figure import Difference, Figure


def shown(value: float | None) -> str:
    """One decimal, a dash where there is nothing to say."""
    return "–" if value is None else f"{value:,.1f}"


def signed(value: float | None) -> str:
    """With its sign, as a difference is; a minus sign proper."""
    return "–" if value is None else "0.0" if abs(value) < 0.05 else f"{value:+,.1f}".replace("-", "−")


def between(each: Figure) -> str:
    """The interval of a figure."""
    return "–" if each.low is None else f"{shown(each.low)}–{shown(each.high)}"


def apart(each: Difference) -> str:
    """The interval of a difference, with signs."""
    return "–" if each.low is None else f"{signed(each.low)} to {signed(each.high)}"


def chance(p: float | None) -> str:
    """A p-value with three decimals."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def main_measures(found: Evaluation) -> list[tuple[str, str]]:
    """Field and name of the figures that are shown first and by group."""
    parts = [found.answers, *(each.part for each in found.scores)]
    figures = [each for part in parts for each in part.figures[0]]
    return [(each.field, each.name) for each in figures if each.group == "main"]
