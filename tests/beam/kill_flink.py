"""Kafka to PostgreSQL on a Flink cluster, whose managers are killed again and again: the rows stay the same.

python -m tests.beam.kill_flink --kills 20
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services import flink, kafka
from services.postgres import binaries, server
from tests.beam import chats
from tests.brokers import new_topic
from tests.postgres import new_database

from attune import connect, stream
from attune.chat import parse_chat
from attune.errors import BadChat
from attune.handle import Act
from attune.store import Store

ENGINE = f"{chats.ENGINE}&delay_ms=20"
VICTIMS = ("task-manager-0", "task-manager-1", "job-manager")
_PATIENCE_S = 240.0


def fill(broker: str, topic: str, lines: list[bytes]) -> None:
    """Appends `lines`, those of one chat to one partition: which of two came first is then certain."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker})
    for line in lines:
        producer.produce(topic, line, key=_key(line))
    assert producer.flush(30) == 0


def _key(line: bytes) -> bytes:
    try:
        return parse_chat(line).id.encode()
    except BadChat:
        return line


def undisturbed(lines: list[bytes], folder: Path) -> dict[str, list[object]]:
    """What `attune run` makes of the same chats."""
    path, store = folder / "chats.jsonl", str(folder / "run.db")
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    source = connect.source([str(path)], 8_000_000)
    assert source is not None
    with Store.open(store) as opened:
        stream.run(source, opened, Act(connect.task("triage", chats.ENGINE), connect.engine(chats.ENGINE)))
    return same_rows(store)


def same_rows(store: str) -> dict[str, list[object]]:
    """What a store holds, without what depends on the way the chats came."""
    found = chats.ends(store)
    for letter in found["dead"]:
        del letter["ref"]  # a file's line there, a topic's offset here
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


class Job:
    """The job on a cluster, and how far it is."""

    def __init__(self, cluster: flink.Cluster, store: str) -> None:
        self.cluster, self._store = cluster, store

    def done(self) -> int:
        with Store.open(self._store) as opened:
            return sum(opened.counts().values())

    def wait(self, rows: int) -> None:
        until = time.monotonic() + _PATIENCE_S
        while self.done() < rows:
            if time.monotonic() > until:
                raise AssertionError(f"{self.done()} rows of {rows}:\n{self.cluster.log()}")
            time.sleep(0.2)


@contextmanager
def submitted(cluster: flink.Cluster, topic: str, store: str) -> Iterator[Job]:
    options = [*cluster.options, "--checkpointing_interval=1000", "--parallelism=2"]
    command = [sys.executable, "-W", "ignore", "-m", "tests.beam.kafka_job", topic, store, ENGINE, *options]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield Job(cluster, store)
        finally:
            process.kill()
            process.wait()


def kill_one(job: Job, draw: random.Random) -> str:
    """Kills a manager at a random moment, and starts it again a little later."""
    time.sleep(draw.uniform(0.0, 3.0))
    victim = draw.choice(VICTIMS)
    job.cluster.kill(victim)
    time.sleep(draw.uniform(0.0, 1.0))
    job.cluster.start(victim)
    return victim


def rehearse(cluster: flink.Cluster, postgres: str, broker: str, kills: int, each: int, seed: int) -> None:
    """`kills` times: gives the job `each` chats, and kills a manager while it is at them. Checks the rows."""
    draw = random.Random(seed)
    lines = chats.lines(each * (kills + 1))
    with tempfile.TemporaryDirectory() as temporary:
        wanted = undisturbed(lines, Path(temporary))
    store, topic = new_database(postgres), new_topic(broker)
    with submitted(cluster, f"kafka://{broker}/{topic}", store) as job:
        for number in range(kills):
            before = job.done()
            fill(broker, topic, lines[number * each : (number + 1) * each])
            job.wait(before + each // 10)
            began = time.monotonic()
            victim = kill_one(job, draw)
            print(f"kill {number + 1} of {kills}: {victim}, {job.done()} rows so far", flush=True)
            job.wait(before + each // 2)
            print(f"  going on after {time.monotonic() - began:.1f} s", flush=True)
        fill(broker, topic, lines[kills * each :])
        job.wait(len(wanted["outcomes"]))
    found = same_rows(store)
    for table, right in wanted.items():
        assert found[table] == right, f"{table}: {len(found[table])} rows, {len(right)} wanted, or other ones"
    print(f"{len(lines)} inputs, {kills} kills: {len(found['outcomes'])} rows, none lost, none doubled")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--chats", type=int, default=200, help="for each kill")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    folder = binaries()
    if folder is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    with server(folder) as postgres, kafka.broker() as broker, flink.cluster() as cluster:
        rehearse(cluster, postgres, broker, options.kills, options.chats, options.seed)


if __name__ == "__main__":
    main()
