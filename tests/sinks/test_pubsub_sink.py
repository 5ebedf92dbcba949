"""A topic of Google's Pub/Sub test server as a sink."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from tests.sinks.contract import COLUMNS, SinkContract, batch, rows

from attune.errors import BadConfig
from attune.export import Row
from attune.sinks import Sink, SinkError, key

pytest.importorskip("google.cloud.pubsub_v1")

from tests.pubsub_admin import PROJECT, Place, new_place, pulled

from attune.sinks.pubsub import PubSub

pytestmark = [
    pytest.mark.xdist_group("pubsub"),
    pytest.mark.filterwarnings("ignore:.*return_immediately:DeprecationWarning"),
]


def address(place: Place) -> str:
    return f"pubsub://{PROJECT}/{place.name}"


class TestPubSubContract(SinkContract):
    """At least once: read as a reader does that keeps the keys it has seen."""

    @pytest.fixture(autouse=True)
    def topic(self, pubsub_emulator: str) -> None:
        self._place = new_place()

    def make(self) -> Sink:
        return PubSub(address(self._place), COLUMNS)

    def read(self) -> list[Row]:
        seen = {(each.attributes["attune-key"], each.data) for each in pulled(self._place)}
        found = [(named, json.loads(data)) for named, data in seen]
        assert all(key(row) == named for named, row in found)
        return [row for _, row in found]


@pytest.mark.usefixtures("pubsub_emulator")
def test_the_id_of_the_chat_is_the_ordering_key_where_that_is_asked_for() -> None:
    place = new_place(enable_message_ordering=True)
    with closing(PubSub(f"{address(place)}?ordered=true", COLUMNS)) as sink:
        sink.write(batch(rows(5)))
    assert sorted(each.ordering_key for each in pulled(place)) == [f"chat-{number}" for number in range(5)]


@pytest.mark.usefixtures("pubsub_emulator")
def test_a_topic_that_is_not_there_is_said_and_the_sink_goes_on_when_it_is() -> None:
    with (
        closing(PubSub(f"pubsub://{PROJECT}/nowhere", COLUMNS)) as sink,
        pytest.raises(SinkError, match=r"pubsub://attune-tests/nowhere cannot be written: 404"),
    ):
        sink.write(batch(rows(1)))


def test_an_address_that_cannot_be_is_told_what_can() -> None:
    with pytest.raises(BadConfig, match="ordered='yes' is neither true nor false"):
        PubSub("pubsub://project/topic?ordered=yes", COLUMNS)
