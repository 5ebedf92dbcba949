"""The report of a tuning: one page that needs nothing beside it, and its curves as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from attune.adapters.record import Record
from attune.measure.evaluation import Evaluation
from attune.measure.report import pages, plots
from attune.tune.check import Checked
from attune.tune.report.curves import Panel, panels
from attune.tune.train import Epoch

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, slots=True)
class Report:
    """What the page tells. `first` is example 1 in pieces, each with whether it is trained on."""

    record: Record
    checked: Checked
    first: Sequence[tuple[str, bool]]
    epochs: Sequence[Epoch]
    warnings: Sequence[str]
    evaluation: Evaluation | None

    @property
    def panels(self) -> list[Panel]:
        return panels(self.epochs, self.record.chosen)

    @property
    def chosen(self) -> Epoch:
        return next(each for each in self.epochs if each.epoch == self.record.chosen)


def page(report: Report) -> str:
    """The page as HTML. Every text in it is escaped, and the page may load and run nothing."""
    return _pages().get_template("tuning.html").render(report=report, plots=plots, found=report.evaluation)


def picture(report: Report) -> str:
    """The curves as an SVG file."""
    return _pages().get_template("curves.svg").render(report=report)


@cache
def _pages() -> Environment:
    return pages("attune.tune.report")
