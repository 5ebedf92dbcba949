"""The http engine keeps what every engine must, asking attune's own service on loopback."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import pytest
from tests.cli.conftest import Attune, clean_environment
from tests.serve.conftest import running

from attune.connect import SAMPLES
from attune.engines.http import HTTPEngine, Server
from attune.models import POCKET
from attune.testing import EngineContract

KEY = "a-key-of-sixteen-or-more"
TASK = str(POCKET / "tasks" / "triage.toml")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of attune's own service with the embedded model, behind a key."""
    with running(tmp_path_factory.mktemp("service"), ATTUNE_ENGINE="pocket", ATTUNE_API_KEYS=KEY) as process:
        yield f"{process.address}/v1"


class TestHTTPEngine(EngineContract):
    @pytest.fixture(autouse=True)
    def _at(self, service: str) -> None:
        self.address = service

    def make(self) -> HTTPEngine:
        return HTTPEngine(Server.of(self.address, {"ATTUNE_ENGINE_KEY": KEY}))


def test_a_run_by_way_of_a_service_gives_the_rows_of_a_run_without(service: str, tmp_path: Path) -> None:
    (tmp_path / "chats.jsonl").write_text(
        "".join(SAMPLES.read_text(encoding="utf-8").splitlines(keepends=True)[:16]), encoding="utf-8"
    )
    attune = Attune(tmp_path, clean_environment() | {"ATTUNE_TASK": TASK, "ATTUNE_ENGINE_KEY": KEY})
    rows = {}
    for store, engine in (("near.db", "pocket"), ("far.db", service)):
        ran = attune("run", "chats.jsonl", "--store", store, "--engine", engine)
        assert ran.code == 0, ran.err
        done = attune("results", "--store", store, "--format", "csv", "--engine", engine)
        assert done.code == 0, done.err
        rows[store] = sorted(map(told, csv.DictReader(done.lines)), key=itemgetter("id"))
        assert KEY not in ran.out + ran.err + (tmp_path / store).read_bytes().decode("latin-1")
    assert rows["near.db"] == rows["far.db"]
    assert {row["place"] for row in rows["near.db"]} == {"table", "review"}


def told(row: dict[str, str]) -> dict[str, str]:
    """A row without its times, and its probabilities without the bits that depend on who shared a batch."""
    confidence = json.loads(row["confidence"])
    rounded = json.dumps({name: round(value, 2) for name, value in confidence.items()})
    return {name: text for name, text in row.items() if not name.endswith(("_s", "_at"))} | {
        "confidence": rounded
    }
