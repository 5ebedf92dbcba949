"""Topics and subscriptions of the Pub/Sub server that the tests run."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud import pubsub_v1

PROJECT = "attune-tests"


@dataclass(frozen=True, slots=True)
class Place:
    """A topic and a subscription of it, which have the same name."""

    name: str

    @property
    def topic(self) -> str:
        return f"projects/{PROJECT}/topics/{self.name}"

    @property
    def subscription(self) -> str:
        return f"projects/{PROJECT}/subscriptions/{self.name}"


def new_place(**settings: Any) -> Place:
    """A new topic with a subscription that has `settings`."""
    place = Place(f"chats-{uuid.uuid4().hex[:12]}")
    with pubsub_v1.PublisherClient() as publisher, pubsub_v1.SubscriberClient() as subscriber:
        publisher.create_topic(name=place.topic)
        request = {"name": place.subscription, "topic": place.topic, "ack_deadline_seconds": 10, **settings}
        subscriber.create_subscription(request=request)
    return place


def publish(place: Place, values: Sequence[bytes], ordering_key: str = "") -> None:
    ordered = pubsub_v1.types.PublisherOptions(enable_message_ordering=bool(ordering_key))
    with pubsub_v1.PublisherClient(publisher_options=ordered) as publisher:
        for future in [publisher.publish(place.topic, each, ordering_key=ordering_key) for each in values]:
            future.result(30)


def pulled(place: Place) -> list[Any]:
    """All messages that wait in a subscription, acknowledged."""
    found: list[Any] = []
    with pubsub_v1.SubscriberClient() as subscriber:
        while True:
            request = {"subscription": place.subscription, "max_messages": 1000, "return_immediately": True}
            got = subscriber.pull(request=request, timeout=10).received_messages
            if not got:
                return found
            found += [each.message for each in got]
            ids = [each.ack_id for each in got]
            subscriber.acknowledge(request={"subscription": place.subscription, "ack_ids": ids})
