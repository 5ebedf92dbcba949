"""Sources, sinks and outlets of replies, by the scheme of their address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attune.errors import BadConfig
from attune.export import Column
from attune.replies import Outlet
from attune.sinks import Sink
from attune.sources import Source

QUEUE = "queue:"


def _kafka(address: str, follow: bool) -> Source:
    from attune.sources.kafka import Kafka

    return Kafka(address, follow)


def _pubsub(address: str, follow: bool) -> Source:
    from attune.sources.pubsub import PubSub

    return PubSub(address, follow)


BROKERS: Mapping[str, Callable[[str, bool], Source]] = {"kafka": _kafka, "pubsub": _pubsub}


def _bigquery(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.bigquery import BigQuery

    return BigQuery(address, columns)


def _kafka_sink(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.kafka import Kafka

    return Kafka(address, columns)


def _parquet(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.parquet import Parquet

    return Parquet(address, columns)


def _postgresql(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.postgresql import PostgresTable

    return PostgresTable(address, columns)


def _pubsub_sink(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.pubsub import PubSub

    return PubSub(address, columns)


SINKS: Mapping[str, Callable[[str, Sequence[Column]], Sink]] = {
    "bigquery": _bigquery,
    "kafka": _kafka_sink,
    "parquet": _parquet,
    "postgresql": _postgresql,
    "pubsub": _pubsub_sink,
}


def _reply_queue(address: str, _: str) -> Outlet:
    from attune.replies.queue import Queue

    if address != QUEUE:
        raise BadConfig(f"{QUEUE} takes nothing behind it, not {address.removeprefix(QUEUE)!r:.40}")
    return Queue()


def _reply_file(address: str, _: str) -> Outlet:
    from attune.replies.file import JsonLines

    return JsonLines(address.partition(":")[2])


def _webhook(address: str, secret_file: str) -> Outlet:
    from attune.replies.webhook import Webhook

    try:
        secret = Path(secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(
            f"the secret of webhooks cannot be read from {secret_file} (--webhook-secret-file). Make one: "
            "echo whsec_$(openssl rand -base64 32) > webhook.secret"
        ) from error
    return Webhook(address, secret)


def _reply_broker(address: str, _: str) -> Outlet:
    from attune.replies.broker import COLUMNS, Broker

    scheme = address.partition(":")[0]
    return Broker(SINKS[scheme](address, [Column(name, "text") for name in COLUMNS]))


REPLIES: Mapping[str, Callable[[str, str], Outlet]] = {
    "queue": _reply_queue,
    "file": _reply_file,
    "http": _webhook,
    "https": _webhook,
    "kafka": _reply_broker,
    "pubsub": _reply_broker,
}
