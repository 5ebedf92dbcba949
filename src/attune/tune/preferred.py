"""Preferences: an adapter from what reviewers liked and disliked, as a folder like any other's."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from attune.adapters import record as records
from attune.adapters.kept import new_folder
from attune.adapters.record import Data, Record, TaskOf
from attune.adapters.weights import hashes
from attune.tune.pairs import Pair, Thumb
from attune.tune.prefer import prefer
from attune.tune.run import Plan


def tune_preferred(plan: Plan, found: Iterable[Pair | Thumb], start: Path | None) -> tuple[Path, Record]:
    """Tunes an adapter on preferences, going on from the one in the folder `start`. It is there whole at the
    end or not at all; nothing is held out, so arms have to tell whether it is better.

    Raises AttuneError for a name that is taken, and whatever `prefer` refuses.
    """
    target, liked = new_folder(plan.name, plan.adapters), list(found)
    shutil.rmtree(plan.work, ignore_errors=True)
    log = prefer(plan.base.folder, liked, plan.settings, plan.work, start)
    record = _record(plan, liked, log, start)
    records.write(record, plan.work)
    plan.work.rename(target)
    return target, record


def _record(
    plan: Plan, liked: Sequence[Pair | Thumb], log: Sequence[Mapping[str, float]], start: Path | None
) -> Record:
    told = json.dumps([asdict(each) for each in liked])
    kind = "DPO" if isinstance(liked[0], Pair) else "KTO"
    begun = {"start": start.name} if start else {}
    return Record(
        name=plan.name,
        base=records.Base(plan.base.address, plan.base.model, hashes(*plan.base.folders)),
        kind=plan.base.kind,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        attune=version("attune"),
        task=TaskOf(plan.task[0], plan.task[1].version),
        data=Data(hashlib.sha256(told.encode()).hexdigest(), len(liked)),
        settings={"preferences": kind, **begun, **asdict(plan.settings)},
        epochs=tuple(log),
        license=plan.license,
    )
