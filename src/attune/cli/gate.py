"""The gate before an arm: figures on data it has not seen must not be worse than those of what serves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attune.adapters import record
from attune.adapters.kept import epoch_folder
from attune.arms import Arm, Refused
from attune.cli.evaluating import Telling
from attune.config import Config
from attune.serving import Asking, Engines, act_of

if TYPE_CHECKING:
    from attune.measure.run import Run

_GATED = ("macro-F1", "ROUGE-L", "valid answers")
"""The measures that may not fall, of every field of the task, in points of a hundred."""
_HOW = (
    "Let it show what it can on chats with their answers (--gold FILE), or have it serve all the same, with "
    "the reason in the history (--force --reason TEXT)."
)

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Gate:
    """What an arm is judged by: figures that may fall by `margin` at most, from its adapter's record or from
    `gold`, which both arms are asked about now."""

    margin: float
    gold: str | None
    quiet: bool

    def check(self, arm: Arm, base: Arm, adapter: Path | None, config: Config) -> str:
        """What the figures say, in a line. Raises Refused where they are worse, or there are none."""
        before, after = self._asked(arm, base, config) if self.gold else _recorded(adapter)
        gated = [name for name in before if name.endswith(_GATED) and name in after]
        if not gated:
            raise Refused(f"there is no evaluation of {arm.name}. {_HOW}")
        told = ", ".join(f"{name} {before[name]:.1f} → {after[name]:.1f}" for name in gated)
        if any(before[name] - after[name] > self.margin for name in gated):
            raise Refused(f"{arm.name} is worse by more than {self.margin:g} points: {told}. {_HOW}")
        return told

    def _asked(self, arm: Arm, base: Arm, config: Config) -> tuple[Figures, Figures]:
        from attune.measure.evaluate import evaluate
        from attune.measure.evaluation import Settings
        from attune.measure.gold import fields_of
        from attune.measure.inputs import gold_of, wanted_of
        from attune.measure.run import join
        from attune.tune.evaluate import figures

        assert self.gold is not None
        with Telling(self.quiet) as telling:
            gold = gold_of(self.gold, telling.reading("reading gold"))
            wanted = wanted_of(gold, (), ())
            runs = [_run(each, self.gold, wanted, config, telling) for each in (arm, base)]
            fields = fields_of(gold, (), set.intersection(*(run.columns for run in runs)), True)
            joined = [join(gold, run) for run in runs]
            found = figures(evaluate(gold, joined, fields, Settings(resamples=100), telling.tell))
        return found["base"], found["adapter"]


def _run(arm: Arm, gold: str, wanted: set[str], config: Config, telling: Telling) -> Run:
    """What `arm` says of each chat of gold."""
    from attune.measure.inputs import asked_of
    from attune.measure.rows import Unreadable
    from attune.measure.run import collect

    with closing(Engines()) as engines:
        act = act_of(arm.on(Arm(config.engine, config.task)), Asking(config.tries, config.timeout_s), engines)
        rows = asked_of(gold, act, config.in_flight, None, telling.reading(f"asking {arm.name}"))
        return collect(arm.name, rows, Unreadable(), wanted)


def _recorded(adapter: Path | None) -> tuple[Figures, Figures]:
    """The figures in the record of the adapter in that folder; none where the record is of another epoch."""
    if adapter is None or not (record.home(adapter) / record.RECORD).is_file():
        return {}, {}
    told = record.read(adapter)
    home = record.home(adapter)
    if adapter not in (home, epoch_folder(home, told.chosen)):
        click.echo(f"The record of {told.name} has figures of epoch {told.chosen} alone.", err=True)
        return {}, {}
    return told.evaluation.get("base", {}), told.evaluation.get("adapter", {})
