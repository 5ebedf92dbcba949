"""A pipeline without a line of Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.beam import chats
from tests.beam.test_ways_in import by_run

import attune.beam

PIPELINE = """\
pipeline:
  transforms:
    - type: ReadFromText
      config: {{path: {folder}/chats.jsonl}}
    - type: Attune
      input: ReadFromText
      config: {{engine: "{engine}"}}
    - type: WriteToJson
      name: Table
      input: Attune.table
      config: {{path: {folder}/table.jsonl, num_shards: 1}}
    - type: WriteToJson
      name: Review
      input: Attune.review
      config: {{path: {folder}/review.jsonl, num_shards: 1}}
    - type: WriteToJson
      name: Dead
      input: Attune.dead
      config: {{path: {folder}/dead.jsonl, num_shards: 1}}
providers:
  - include: {provider}
"""


def rows(folder: Path, name: str) -> list[dict[str, object]]:
    return [
        json.loads(line) for path in folder.glob(f"{name}.jsonl*") for line in path.read_text().splitlines()
    ]


def test_yaml_gives_the_rows_of_attune_run(tmp_path: Path) -> None:
    main = pytest.importorskip("apache_beam.yaml.main")
    # ReadFromText wants UTF-8, and says nothing of the order that decides which of two chats has an id.
    lines = [line for line in chats.lines(200) if b"\xff" not in line and b"other words" not in line]
    (tmp_path / "chats.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    by_run(tmp_path / "chats.jsonl", str(tmp_path / "run.db"))
    provider = Path(attune.beam.__file__).parent / "provider.yaml"
    spec = PIPELINE.format(folder=tmp_path, engine=chats.ENGINE, provider=provider)
    main.run(["--yaml_pipeline", spec, "--runner=FnApiRunner"])
    outcomes = chats.ends(str(tmp_path / "run.db"))["outcomes"]
    for place, key in (("table", "id"), ("review", "id"), ("dead", "reason")):
        found = sorted(str(row[key]) for row in rows(tmp_path, place))
        ends = [row for row in outcomes if row["place"] == place]
        if place != "dead":
            assert found == sorted(row["key"] for row in ends)
        else:
            assert len(found) == len(ends)
