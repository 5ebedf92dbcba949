"""`ReadPubSub`: the chats of a Pub/Sub subscription, by Beam's own source."""

from __future__ import annotations

from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.pvalue import PCollection

from attune.address import parse_address
from attune.beam.item import item_of
from attune.feed import identify
from attune.limits import Limits
from attune.store import Item

FORM = "pubsub://project/subscription"


class ReadPubSub(beam.PTransform):
    """Items of a subscription's messages, at their times of publication, or those of `?timestamp=ATTRIBUTE`.

    Dataflow acknowledges a message when what came of it is in its checkpoint, and drops copies of one by
    message id, or by `?id_label=ATTRIBUTE`. Beam's direct runner acknowledges as it reads, so what it has in
    hand when it dies is lost, and knows no id_label: it is for tries. No other runner reads Pub/Sub.
    """

    def __init__(self, address: str, max_chat_bytes: int = Limits().max_chat_bytes) -> None:
        super().__init__()
        self._address, self._max_bytes = parse_address(address, FORM), max_chat_bytes
        self._address.check_options(("id_label", "timestamp"))

    def expand(self, root: Any) -> PCollection[Item]:
        address = self._address
        read = beam.io.ReadFromPubSub(
            subscription=f"projects/{address.where}/subscriptions/{address.name}",
            id_label=address.options.get("id_label"),
            timestamp_attribute=address.options.get("timestamp"),
            with_attributes=True,
        )
        item = partial(_item, shown=address.shown, max_bytes=self._max_bytes)
        return root | "Messages" >> read | "Items" >> beam.Map(item).with_output_types(Item)


def _item(message: PubsubMessage, shown: str, max_bytes: int) -> Item:
    ref = f"{shown}@{message.message_id or ''}"
    return item_of(identify(message.data or b"", ref, max_bytes))
