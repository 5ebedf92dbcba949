"""The rounds of `attune loop`: reviews, examples, an adapter, the gate, an arm with a small share."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from attune.adapters.kept import kept_in, served
from attune.adapters.record import Record, read
from attune.arms import Arm, Refused
from attune.cli.adding import add
from attune.cli.gate import Gate
from attune.cli.tuning import View
from attune.compare.report import report
from attune.config import Config
from attune.store import Store
from attune.task import Task
from attune.tune.base import Base, open_base
from attune.tune.examples import Example, Tasks
from attune.tune.reviews import from_reviews
from attune.tune.run import Plan, tune
from attune.tune.settings import Settings

_YOURS = "People decide, by attune arms report: attune arms promote {0}, or attune arms remove {0}"


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round: "trial" while an arm of the loop is compared, "waiting" for more examples,
    "refused" by the gate, or "added" where it made an arm."""

    state: str
    told: str
    arm: str = ""


@dataclass(frozen=True)
class Loop:
    """What rounds have in common. Their adapters and arms are called `name`-1, `name`-2 and so on."""

    config: Config
    settings: Settings
    name: str
    weight: float
    least: int
    margin: float
    quiet: bool

    def round(self, store: Store) -> Round:
        """One round: reviews, examples, an adapter, the gate, an arm with a small share.

        An arm of an earlier round is compared until a person promotes or removes it: one is tried at a time.
        """
        if trial := self._trial(store):
            return trial
        found = [
            each for each in from_reviews(store, Tasks.of(self._base[1][1])) if isinstance(each, Example)
        ]
        made = self._made()
        seen = max((each.data.examples + each.data.held_out for each in made.values()), default=0)
        new = max(0, len(found) - seen)
        if new < self.least:
            return Round("waiting", f"{new:,} new examples from reviews; a round needs {self.least:,}")
        return self._tried(store, f"{self.name}-{max(made, default=0) + 1}", found)

    def _trial(self, store: Store) -> Round | None:
        live = store.arms.live()
        tried = [arm for arm in live.arms if self._number(arm.name) and 0 < arm.weight < 1] if live else []
        if live is None or not tried:
            return None
        arm = tried[-1]
        base = max((each for each in live.arms if each is not arm), key=lambda each: each.weight)
        told = report(store, (base.name, arm.name), time.time()).verdicts[0].sentence
        return Round("trial", f"{told}\n{_YOURS.format(arm.name)}", arm.name)

    def _tried(self, store: Store, name: str, found: list[Example]) -> Round:
        base, task = self._base
        plan = Plan(name, base, task, self.settings, self._adapters, skip_bad=True)
        with View(self.quiet) as view:
            done = tune(plan, found, view)
        arm = Arm(served("", done.folder), "" if task[0] == self.config.task else task[0], name, self.weight)
        gate = Gate(self.margin, None, self.quiet)
        why = f"{len(found):,} examples"
        try:
            _, told = add(store, arm, self.config, gate, done.folder, "attune loop", why)
        except Refused as error:
            return Round("refused", str(error), name)
        return Round("added", f"{told}\n{_YOURS.format(name)}", name)

    @cached_property
    def _base(self) -> tuple[Base, tuple[str, Task]]:
        """The engine's own model, and the task it is tuned for."""
        base = open_base("", self.config.engine)
        return base, base.task(self.config.task)

    @property
    def _adapters(self) -> Path:
        return Path(self.config.adapters).expanduser()

    def _made(self) -> Mapping[int, Record]:
        """The adapters of earlier rounds, by their numbers."""
        return {number: read(each) for each in kept_in(self._adapters) if (number := self._number(each.name))}

    def _number(self, name: str) -> int:
        """Which round made the arm or the adapter `name`; 0 is none."""
        found = re.fullmatch(rf"{re.escape(self.name)}-(\d+)", name)
        return int(found[1]) if found else 0
