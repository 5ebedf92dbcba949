"""What came of each run, kept in a folder: a race that was cut short goes on where it was."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from statistics import median_low
from typing import Any

from bench.race.rivals import Rival
from bench.race.work import Result


class Kept:
    """The results of one model: a file for each round of each rival, with the result or why there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, rival: Rival, number: int) -> bool:
        return self._path(rival, number).is_file()

    def add(self, rival: Rival, number: int, said: Result | str) -> None:
        record = {"reason": said} if isinstance(said, str) else asdict(said)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(rival, number)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(record), encoding="utf-8")
        part.replace(path)

    def forget(self, rival: Rival) -> None:
        for number in range(rival.rounds):
            self._path(rival, number).unlink(missing_ok=True)

    def results(self, rival: Rival) -> list[Result]:
        """Those of all rounds that came to an end."""
        return [Result(**record) for record in self._records(rival) if "reason" not in record]

    def reason(self, rival: Rival) -> str:
        """Why a round came to none; empty if that is not known."""
        return next((str(record["reason"]) for record in self._records(rival) if "reason" in record), "")

    def _records(self, rival: Rival) -> list[dict[str, Any]]:
        paths = [self._path(rival, number) for number in range(rival.rounds)]
        return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.is_file()]

    def _path(self, rival: Rival, number: int) -> Path:
        return self.folder / f"{rival.name}.{number}.json"


def middle(results: list[Result]) -> Result:
    """The run of median speed."""
    rate = median_low([result.rate for result in results])
    return next(result for result in results if result.rate == rate)
