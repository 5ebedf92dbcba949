"""Parquet files as a sink: on a disk, and on a file system that is none."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.sinks.contract import COLUMNS, SinkContract, batch, rows

from attune.errors import BadConfig
from attune.export import Row
from attune.outcome import Place
from attune.sinks import Sink, SinkError
from attune.sinks.parquet import Parquet

fsspec = pytest.importorskip("fsspec")


def back(table: list[Row]) -> list[Row]:
    """Rows as a reader gets them: Parquet gives a map back as pairs."""
    return [row | {"confidence": dict(row["confidence"])} for row in table]


class TestParquetContract(SinkContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self._folder = tmp_path / "out" / "rows"

    def make(self) -> Sink:
        return Parquet(f"parquet:{self._folder}", COLUMNS)

    def read(self) -> list[Row]:
        assert not list(self._folder.glob("*.half"))
        tables = [pq.read_table(path) for path in sorted(self._folder.glob("*.parquet"))]
        return [row for table in tables for row in back(table.to_pylist())]


class TestParquetInMemoryContract(SinkContract):
    """As on an object store: there are no folders, and an object is whole or not there."""

    @pytest.fixture(autouse=True)
    def bucket(self, tmp_path: Path) -> None:
        self._bucket = f"memory://{tmp_path.name}"

    def make(self) -> Sink:
        return Parquet(f"parquet:{self._bucket}", COLUMNS)

    def read(self) -> list[Row]:
        found: list[Row] = []
        for file in fsspec.open_files(f"{self._bucket}/*.parquet"):
            with file as opened:
                found += back(pq.read_table(opened).to_pylist())
        return found


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match=r"parquet:.*/file/rows cannot be written: .*Not a directory"):
        Parquet(f"parquet:{tmp_path}/file/rows", COLUMNS).write(batch(rows(1)))


def test_a_file_system_that_is_not_known_is_said() -> None:
    with pytest.raises(SinkError, match=r"parquet:nowhere://x cannot be written: .*nowhere"):
        Parquet("parquet:nowhere://x", COLUMNS).write(batch(rows(1)))


def test_what_an_address_asks_for_is_its_terms() -> None:
    terms = Parquet("parquet:rows?places=review,dead&rows=50&wait_s=1.5", COLUMNS).terms
    assert (terms.name, terms.rows, terms.wait_s) == ("parquet:rows", 50, 1.5)
    assert terms.places == {Place.REVIEW, Place.DEAD}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("parquet:", "names no folder"),
        ("parquet:rows?place=review", "unknown option 'place'; there are: places, rows, wait_s"),
        ("parquet:rows?places=happy", "it can be any of table, review, dead"),
        ("parquet:rows?places=", "it can be any of table, review, dead"),
        ("parquet:rows?rows=0", "rows='0' is no number of at least 1"),
        ("parquet:rows?wait_s=nan", "wait_s='nan' is no number"),
    ],
)
def test_an_address_that_cannot_be_is_told_what_can(address: str, why: str) -> None:
    with pytest.raises(BadConfig, match=why):
        Parquet(address, COLUMNS)
