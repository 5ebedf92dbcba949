"""A batch in this process: input files, the scripted engine, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import attune, environment

from attune import connect
from attune.batch import Done, Plan, work
from attune.batch.manifest import manifest_file
from attune.batch.rows import errors_file
from attune.engines import Engine
from attune.handle import Act
from attune.limits import Limits
from attune.testing import ScriptedEngine

__all__ = ["attune", "batch", "environment"]


@dataclass
class Batch:
    """Runs batches in `folder`; `engine` may be exchanged between two runs."""

    folder: Path
    engine: Engine = field(default_factory=ScriptedEngine)

    def file(self, name: str, records: Sequence[Any]) -> str:
        """A file of records; a text is a line as it is."""
        lines = [each if isinstance(each, str) else json.dumps(each) for each in records]
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return str(path)

    def __call__(self, *inputs: str, limits: Limits = Limits(in_flight=4), **plan: Any) -> Done:
        act = Act(connect.task("triage", "scripted:"), self.engine, timeout_s=plan.pop("timeout_s", 20.0))
        return work(Plan(inputs, self.out, **plan), act, limits)

    @property
    def out(self) -> Path:
        return self.folder / "out.jsonl"

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.read_bytes().splitlines()]

    @property
    def errors(self) -> list[Any]:
        return [json.loads(line) for line in errors_file(self.out).read_bytes().splitlines()]

    @property
    def manifest(self) -> Any:
        return json.loads(manifest_file(self.out).read_bytes())


def texts(count: int) -> list[dict[str, Any]]:
    return [{"id": number, "text_inputs": f"the story of number {number}"} for number in range(count)]


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path)
