"""The report: one page that needs nothing beside it, with pictures drawn from an evaluation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from attune.address import load
from attune.measure import wording
from attune.measure.evaluation import Evaluation
from attune.measure.labels import NONE, OTHER
from attune.measure.report import plots
from attune.measure.words import Words
from attune.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def page(found: Evaluation) -> str:
    """The page as HTML. Every text in it is escaped, and the page may load and run nothing."""
    return _template().render(found=found, plots=plots, other=OTHER, no_answer=NONE, tokenizer=Words.name)


@cache
def _template() -> Template:
    return pages().get_template("page.html")


def pages(*packages: str) -> Environment:
    """Where templates are found: those of this page, and those of `packages` beside them."""
    jinja = load("jinja2", "eval")
    loaders = [jinja.PackageLoader(package, ".") for package in ("attune.measure.report", *packages)]
    found: Environment = jinja.Environment(
        loader=jinja.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    told = {name: getattr(wording, name) for name in ("shown", "signed", "between", "apart", "chance")}
    found.filters |= told | {"said": lambda text: visible(str(text), lines=True)}
    return found
