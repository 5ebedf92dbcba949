"""Approved replies on real brokers: each is a message, and comes again when nobody knows if it arrived."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests import brokers
from tests.store import races

from attune import connect
from attune.desk.ruling import Approve, Reject
from attune.sending import send_due
from attune.store import Store

pytestmark = pytest.mark.filterwarnings("ignore:.*return_immediately:DeprecationWarning")
Read = Callable[[], list[tuple[str, dict[str, Any]]]]
SAID = 'We are sorry. 죄송합니다. "); DROP TABLE outbox; --'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "replies.db") as opened:
        yield opened


@pytest.fixture
def approved(store: Store) -> list[str]:
    """Twelve approved replies that are due, and a rejection between; the keys."""
    keys = []
    for n in range(13):
        lease = store.reviews.claim(races.put(store, n), "ann", 60)
        if n == 5:
            store.reviews.decide(lease, Reject("wrong tone"), 0)
        else:
            keys.append(store.reviews.decide(lease, Approve(f"{SAID} {n}"), 0).id)
    return keys


on_kafka = pytest.mark.xdist_group("kafka")
_BROKERS = (
    pytest.param("kafka", marks=on_kafka),
    pytest.param("kafka, without transactions", marks=on_kafka),
    pytest.param("pubsub", marks=pytest.mark.xdist_group("pubsub")),
)


@pytest.fixture(params=_BROKERS)
def topic(request: pytest.FixtureRequest) -> tuple[str, Read]:
    """The address of a new topic, and what reads all that is in it: keys of messages, and what they hold."""
    if request.param == "pubsub":
        request.getfixturevalue("pubsub_emulator")
        from tests.pubsub_admin import PROJECT, new_place, pulled

        place, seen = new_place(), list[Any]()

        def of_pubsub() -> list[tuple[str, dict[str, Any]]]:
            seen.extend(pulled(place))
            return [(each.attributes["attune-key"], json.loads(each.data)) for each in seen]

        return f"pubsub://{PROJECT}/{place.name}", of_pubsub

    broker = request.getfixturevalue("kafka_broker")
    name = brokers.new_topic(broker, partitions=2)
    more = "?transactions=false" if "without" in request.param else ""

    def of_kafka() -> list[tuple[str, dict[str, Any]]]:
        return [(key.decode(), json.loads(value)) for key, value in brokers.messages(broker, name)]

    return f"kafka://{broker}/{name}{more}", of_kafka


def hurry(store: Store) -> None:
    """Makes every pause and lease be over."""
    store._database.write(lambda c: c.execute(text("UPDATE outbox SET due_at = 0, lease_until = 0")))


def test_every_approved_reply_is_one_message(
    store: Store, approved: list[str], topic: tuple[str, Read]
) -> None:
    address, read = topic
    outlet = connect.replies(address, "")
    assert send_due(outlet, store, "me") == 12
    outlet.close()
    replies = sorted((said for _, said in read()), key=lambda said: int(said["id"]))
    assert [said["idempotency_key"] for said in replies] == approved
    assert replies[0]["reply"] == f"{SAID} 0"
    assert replies[0]["approved_by"] == "ann"
    assert len({key for key, _ in read()}) == 12
    assert (store.outbox.load().sent, store.outbox.load().waiting) == (12, 0)


def test_a_reply_of_a_sender_that_died_comes_again_under_its_key(
    store: Store, approved: list[str], topic: tuple[str, Read]
) -> None:
    address, read = topic
    dead = connect.replies(address, "")
    (parcel,) = store.outbox.take("dead", 1, 60)
    dead.send(parcel.reply)  # and here it is killed, before it could mark the reply
    dead.close()
    hurry(store)
    outlet = connect.replies(address, "")
    send_due(outlet, store, "next")
    outlet.close()
    keys = [said["idempotency_key"] for _, said in read()]
    assert sorted(keys) == sorted([*approved, parcel.key])


@on_kafka
def test_a_broker_that_is_away_loses_no_reply(store: Store, approved: list[str], kafka_broker: str) -> None:
    away = connect.replies("kafka://127.0.0.1:1/replies?transactions=false&message.timeout.ms=300", "")
    assert send_due(away, store, "me", first_s=1000) >= 12, "on a slow machine one may be due again"
    away.close()
    load = store.outbox.load()
    assert (load.waiting, load.sent, load.failed) == (12, 0, 0)
    assert "cannot be written" in load.error
    name = brokers.new_topic(kafka_broker)
    hurry(store)
    outlet = connect.replies(f"kafka://{kafka_broker}/{name}", "")
    send_due(outlet, store, "me")
    outlet.close()
    assert len(brokers.messages(kafka_broker, name)) == len(approved)
