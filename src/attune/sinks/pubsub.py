"""A Google Pub/Sub topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attune.address import load, parse_address
from attune.errors import told
from attune.export import Column, Row
from attune.sinks import OPTIONS, Batch, SinkError, Terms, key, message, terms

FORM = "pubsub://project/topic"
_PATIENCE_S = 30.0
_MAX_BYTES = 9_000_000


class PubSub:
    """A message for each outcome, with its key in the attribute `attune-key`.

    At least once: a batch that comes again is published again, so a reader that minds keeps the keys it has
    seen. With `ordered=true` the chat's id is the ordering key.
    """

    def __init__(self, address: str, columns: Sequence[Column]) -> None:
        self._library = load("google.cloud.pubsub_v1", "pubsub")
        self._retry = load("google.api_core.retry", "pubsub").Retry(timeout=_PATIENCE_S)
        self._address = parse_address(address, FORM)
        self._address.check_options((*OPTIONS, "ordered"))
        self._ordered = self._address.flag("ordered", default=False)
        self._terms = terms(self._address, rows=500)
        self._client: Any = None

    @property
    def terms(self) -> Terms:
        return self._terms

    def write(self, batch: Batch) -> None:
        try:
            client = self._connected()
            topic = client.topic_path(self._address.where, self._address.name)
            sent = [self._publish(client, topic, row) for row in batch.rows]
            for future in sent:
                future.result(2 * _PATIENCE_S)
        except Exception as error:  # the library's credentials, transport and server each have their own
            self.close()
            raise SinkError(f"{self._terms.name} cannot be written: {told(error)}") from error

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.stop()

    def _publish(self, client: Any, topic: str, row: Row) -> Any:
        attributes = {"attune-key": key(row), "place": row["place"]}
        ordering = str(row["id"]) if self._ordered else ""
        data = message(row, _MAX_BYTES)
        limits = {"retry": self._retry, "timeout": _PATIENCE_S}
        return client.publish(topic, data, ordering_key=ordering, **limits, **attributes)

    def _connected(self) -> Any:
        if self._client is None:
            options = self._library.types.PublisherOptions(enable_message_ordering=self._ordered)
            self._client = self._library.PublisherClient(publisher_options=options)
        return self._client
