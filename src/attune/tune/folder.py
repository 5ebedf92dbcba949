"""The adapter's folder: the chosen epoch in PEFT's form, the record with its card, and the report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from attune.adapters import record as records
from attune.adapters.kept import epoch_folder
from attune.adapters.record import Data, Record, TaskOf
from attune.adapters.weights import hashes
from attune.measure.evaluation import Evaluation
from attune.tune.base import Base
from attune.tune.check import Checked, marked
from attune.tune.evaluate import figures
from attune.tune.examples import digest
from attune.tune.report import Report, page, picture
from attune.tune.settings import Settings
from attune.tune.train import Epoch
from attune.whole import write_whole

REPORT, CURVES = "report.html", "curves.svg"


@dataclass(frozen=True, slots=True)
class Made:
    """What a tuning has come to, for its record."""

    name: str
    base: Base
    task: TaskOf
    settings: Settings
    folds: int
    held_out: int
    checked: Checked
    epochs: Sequence[Epoch]
    chosen: int
    warnings: Sequence[str]
    evaluation: Evaluation | None
    license: str


def write(made: Made, folder: Path) -> Record:
    """Makes the folder in which an adapter was trained the adapter's own."""
    for file in epoch_folder(folder, made.chosen).iterdir():
        shutil.copyfile(file, folder / file.name)
    record = _record(made)
    records.write(record, folder)
    first = marked(made.checked.lessons[0], made.base.teacher)
    report = Report(record, made.checked, first, made.epochs, made.warnings, made.evaluation)
    write_whole(folder / REPORT, page(report), REPORT)
    write_whole(folder / CURVES, picture(report), CURVES)
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    return record


def _record(made: Made) -> Record:
    examples = [each.example for each in made.checked.taught]
    return Record(
        name=made.name,
        base=records.Base(made.base.address, made.base.model, hashes(*made.base.folders)),
        kind=made.base.kind,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        attune=version("attune"),
        task=made.task,
        data=Data(
            digest(examples), len(examples) - made.held_out, made.held_out, tuple(made.checked.languages)
        ),
        settings={**asdict(made.settings), "folds": made.folds},
        epochs=tuple(_figures(each) for each in made.epochs),
        chosen=made.chosen,
        evaluation=figures(made.evaluation) if made.evaluation else {},
        license=made.license,
    )


def _figures(epoch: Epoch) -> dict[str, float]:
    """The numbers of an epoch; what the samples said stays in the report."""
    told = {**asdict(epoch), **epoch.more}
    return {name: value for name, value in told.items() if isinstance(value, int | float)}
