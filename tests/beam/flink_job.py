"""The streaming job of the tests on a Flink cluster: from a Kafka topic to PostgreSQL, Kafka and files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from services import flink
from tests.brokers import messages, new_topic
from tests.postgres import new_database

from attune.chat import parse_chat
from attune.errors import BadChat
from attune.store import Store

PARTITIONS = 4
PATIENCE_S = 240.0
_WINDOW_S = 60
_APART_MS = 100


@dataclass(frozen=True)
class Services:
    """Where they are."""

    postgres: str
    broker: str
    cluster: flink.Cluster


class Feed:
    """A topic that is filled little by little; a message's time is its number's, whenever it is written."""

    def __init__(self, broker: str) -> None:
        self.broker, self.topic = broker, new_topic(broker, PARTITIONS)
        self._given = 0
        # A broker refuses what is an hour ahead, and forgets what is a week old.
        self._began_ms = int(time.time() - 2 * 3600) * 1000

    def give(self, lines: list[bytes]) -> None:
        """Those of one chat to one partition: which of two came first is then certain."""
        self._produce(
            [(self._moment(number), line, {"key": key_of(line)}) for number, line in enumerate(lines)]
        )
        self._given += len(lines)

    def end(self) -> None:
        """A chat an hour later in each partition: what came before is complete, and its files are written."""
        last = [(self._moment(36_000 + n), closing(n), {"partition": n}) for n in range(PARTITIONS)]
        self._produce(last)

    def _moment(self, number: int) -> int:
        return self._began_ms + _APART_MS * (self._given + number)

    def _produce(self, given: list[tuple[int, bytes, dict[str, Any]]]) -> None:
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.broker})
        refused: list[Any] = []
        for moment, line, where in given:
            note: dict[str, Any] = {"on_delivery": lambda error, _: refused.append(error)}
            producer.produce(self.topic, line, timestamp=moment, **note, **where)
        assert producer.flush(30) == 0
        assert not any(refused), refused


def closing(number: int) -> bytes:
    return b'{"id": "closing-%d", "user_id": 7, "text": "Thank you."}' % number


def key_of(line: bytes) -> bytes:
    try:
        return parse_chat(line).id.encode()
    except BadChat:
        return line


class Job:
    """`attune beam run` on the cluster: what it reads, where it writes, and how far it is."""

    def __init__(self, services: Services, folder: Path) -> None:
        self.services, self.folder = services, folder
        self.feed = Feed(services.broker)
        self.store, self.out = new_database(services.postgres), new_topic(services.broker)

    @contextmanager
    def running(self, engine: str) -> Iterator[None]:
        log = self.folder / "job.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                self._command(engine), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self._process = process
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}\n== job.log\n{log.read_text(errors='replace')[-3000:]}") from None
        finally:
            process.kill()
            process.wait()

    def _command(self, engine: str) -> list[str]:
        broker = self.services.broker
        sinks = (self.store, f"kafka://{broker}/{self.out}", f"parquet:{self.folder}/rows")
        return [
            *(sys.executable, "-W", "ignore", "-m", "attune", "beam", "run", "--runner", "flink"),
            *("--source", f"kafka://{broker}/{self.feed.topic}", "--engine", engine),
            *(f"--sink={sink}" for sink in sinks),
            *(f"--window={_WINDOW_S}", "--"),
            *(*self.services.cluster.options, "--checkpointing_interval=1000", "--parallelism=2"),
        ]

    def done(self) -> int:
        with Store.open(self.store) as opened:
            return sum(opened.counts().values())

    def wait(self, rows: int) -> None:
        self._until(lambda: self.done() >= rows, lambda: f"{self.done()} rows of {rows}")

    def wait_for_sinks(self, keys: set[str]) -> None:
        """Until the topic and the files have all of `keys`."""
        ended = {key for key in keys if not key.startswith("closing-")}
        self._until(
            lambda: keys <= set(self.sent()), lambda: f"{len(self.sent())} keys of {len(keys)} in Kafka"
        )
        self._until(
            lambda: ended <= set(self.filed()),
            lambda: f"{len(set(self.filed()))} keys of {len(ended)} in files",
        )

    def sent(self) -> dict[str, dict[str, Any]]:
        """The messages by their chats' keys; what came again counts once."""
        values = [json.loads(value) for _, value in messages(self.services.broker, self.out)]
        return {value["id"]: value for value in values}

    def filed(self) -> list[str]:
        """The keys of all rows in files."""
        rows = [
            row for path in self.folder.glob("rows/*/*.parquet") for row in pq.read_table(path).to_pylist()
        ]
        letters = [json.loads(line) for path in self.folder.glob("rows/dead/*.jsonl") for line in path.open()]
        return [str(row["id"]) for row in rows] + [letter["key"] for letter in letters]

    def _until(self, holds: Any, told: Any) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            # With a job manager its client may go: the cluster has the job. Refused, it never had it.
            assert self._process.poll() != 2, "the command was refused"
            if time.monotonic() > until:
                raise AssertionError(f"{told()}:\n{self.services.cluster.log()}")
            time.sleep(0.3)
