"""BigQuery as a sink, against its documented interfaces (tests/sinks/warehouse.py): no BigQuery runs here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC

import pytest
from tests.sinks.contract import COLUMNS, SinkContract, batch, rows

from attune.errors import BadConfig
from attune.export import Column, Row
from attune.sinks import Sink, SinkError

pytest.importorskip("google.cloud.bigquery_storage_v1")
pytest.importorskip("google.cloud.bigquery")

from tests.sinks.warehouse import Warehouse, warehouse

from attune.sinks.bigquery import BigQuery


@pytest.fixture
def house() -> Iterator[Warehouse]:
    with warehouse() as made:
        yield made


def address(house: Warehouse) -> str:
    return f"bigquery://p/d.outcomes?rest={house.rest}&grpc={house.grpc}"


class TestBigQueryContract(SinkContract):
    @pytest.fixture(autouse=True)
    def table(self, house: Warehouse) -> None:
        self._house = house

    def make(self) -> Sink:
        return BigQuery(address(self._house), COLUMNS)

    def read(self) -> list[Row]:
        return [row | {"confidence": json.loads(row["confidence"])} for row in self._house.rows]


def test_a_batch_is_seen_whole_or_not_at_all_and_times_are_in_utc(house: Warehouse) -> None:
    with closing(BigQuery(address(house), COLUMNS)) as sink:
        sink.write(batch(rows(1201)))
    assert [row["id"] for row in house.rows] == [row["id"] for row in rows(1201)]
    assert house.rows[0]["created_at"] == rows(1)[0]["created_at"].astimezone(UTC)
    assert house.pending == {}


def test_long_chats_are_sent_in_requests_that_are_not_too_large(house: Warehouse) -> None:
    long = [row | {"review_chat": "ü" * 1_000_000} for row in rows(9)]
    with closing(BigQuery(address(house), COLUMNS)) as sink:
        sink.write(batch(long))
    assert [row["id"] for row in house.rows] == [row["id"] for row in long]
    assert max(house.sizes) < 7_000_000


def test_a_commit_whose_answer_was_lost_is_not_made_twice(house: Warehouse) -> None:
    with closing(BigQuery(address(house), COLUMNS)) as sink:
        house.lose_commit = True
        with pytest.raises(SinkError, match=r"bigquery://p/d\.outcomes cannot be written: .*answer was lost"):
            sink.write(batch(rows(20)))
        sink.write(batch(rows(20), again=True))
    assert len(house.rows) == 20


def test_a_refusal_is_told_and_not_that_the_stream_is_closed(house: Warehouse) -> None:
    house.refuse = "no right to update the table"
    with (
        closing(BigQuery(address(house), COLUMNS)) as sink,
        pytest.raises(SinkError, match="problem opening the stream"),
    ):
        sink.write(batch(rows(1)))


def test_a_field_that_comes_later_is_a_column_that_is_added(house: Warehouse) -> None:
    with closing(BigQuery(address(house), COLUMNS)) as sink:
        sink.write(batch(rows(1)))
    with closing(BigQuery(address(house), (*COLUMNS, Column("topic", "text")))) as sink:
        sink.write(batch([row | {"topic": "billing"} for row in rows(1, 1)], first=1))
    assert [row.get("topic") for row in house.rows] == [None, "billing"]
    assert house.fields is not None
    assert house.fields[-1]["name"] == "topic"


@pytest.mark.parametrize("text", ["bigquery://p", "bigquery://p/d", "bigquery://p/.t"])
def test_an_address_without_a_table_is_told_the_form(text: str) -> None:
    with pytest.raises(BadConfig, match=r"is no address like bigquery://project/dataset\.table"):
        BigQuery(text, COLUMNS)
