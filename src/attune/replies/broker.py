"""Replies as messages of a Kafka or Pub/Sub topic, by the sink that writes outcomes there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.replies import NotSent
from attune.sinks import Batch, Sink, SinkError

COLUMNS = ("id", "task", "task_version", "flags", "review_chat", "place")
"""What a sink reads of a row to make its message."""


class Broker:
    """A message for each reply, under the key that the sink's messages have: task, version and chat.

    At least once; the reply's own `idempotency_key` is in the message. Give replies a topic of their own: a
    Kafka sink counts what it has written in a topic.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    @property
    def name(self) -> str:
        return self._sink.terms.name

    def send(self, reply: Mapping[str, Any]) -> None:
        row = {**reply, "place": "reply", "flags": [], "review_chat": None}
        try:
            # Never as one that came before: a sink would take a late reply for one that it has passed.
            self._sink.write(Batch(0, 0, 0, False, [row]))
        except SinkError as error:
            raise NotSent(str(error)) from error

    def close(self) -> None:
        self._sink.close()
