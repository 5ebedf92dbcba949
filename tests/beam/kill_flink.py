"""The job of flink_job while the cluster's managers are killed, again and again: the rows stay the same.

python -m tests.beam.kill_flink --kills 20 --engine pocket
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services import flink, kafka
from services.postgres import binaries, server
from tests.beam import chats
from tests.beam.flink_job import Job, Services, key_of
from tests.brokers import messages

from attune import connect, stream
from attune.handle import Act
from attune.store import Store

SCRIPTED = f"{chats.ENGINE}&delay_ms=20"
VICTIMS = ("task-manager-0", "task-manager-1", "job-manager")
Rows = dict[str, list[Any]]


def same_rows(store: str) -> Rows:
    """What a store holds, without what depends on the way the chats came."""
    found = chats.ends(store)
    for letter in found["dead"]:
        del letter["ref"]  # a file's line there, a topic's offset here
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def by_run(lines: list[bytes], folder: Path, engine: str = chats.ENGINE) -> Rows:
    """What `attune run` makes of the same chats."""
    path, store = folder / "chats.jsonl", str(folder / "run.db")
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    source = connect.source([str(path)], 8_000_000)
    assert source is not None
    with Store.open(store) as opened:
        stream.run(source, opened, Act(connect.task("triage", engine), connect.engine(engine)))
    return same_rows(store)


def undisturbed(services: Services, lines: list[bytes], engine: str, folder: Path) -> Rows:
    """What the same job makes of the same chats on the same cluster when nobody kills anything."""
    job = Job(services, folder)
    with job.running(engine):
        job.feed.give(lines)
        job.feed.end()
        job.wait(len({key_of(line) for line in lines}))
        job.wait(settled(job))
    services.cluster.cancel()
    return same_rows(job.store)


def settled(job: Job) -> int:
    """The number of rows when no more come."""
    before, now = -1, job.done()
    while before != now:
        time.sleep(5)
        before, now = now, job.done()
    return now


def kill_one(cluster: flink.Cluster, draw: random.Random) -> str:
    """Kills a manager at a random moment, and starts it again a little later."""
    time.sleep(draw.uniform(0.0, 3.0))
    victim = draw.choice(VICTIMS)
    cluster.kill(victim)
    time.sleep(draw.uniform(0.0, 1.0))
    cluster.start(victim)
    return victim


def rehearse(job: Job, lines: list[bytes], wanted: Rows, kills: int, engine: str, seed: int) -> None:
    """`kills` times: gives the job chats, and kills a manager while it is at them. Checks all it wrote."""
    draw, each = random.Random(seed), len(lines) // (kills + 1)
    with job.running(engine):
        for number in range(kills):
            before = job.done()
            job.feed.give(lines[number * each : (number + 1) * each])
            job.wait(before + each // 10)
            began = time.monotonic()
            victim = kill_one(job.services.cluster, draw)
            print(f"kill {number + 1} of {kills}: {victim}, {job.done()} rows so far", flush=True)
            job.wait(before + each // 2)
            print(f"  going on after {time.monotonic() - began:.1f} s", flush=True)
        job.feed.give(lines[kills * each :])
        job.feed.end()
        job.wait(len(wanted["outcomes"]))
        job.wait_for_sinks({row["key"] for row in wanted["outcomes"]})
    check(job, wanted, engine)


def comparable(rows: Rows, engine: str) -> Rows:
    """What is computed beside a chat moves a real model's confidence a little (by 0.03 at most, as far as was
    seen), and nothing else of its row."""
    if not engine.startswith("scripted:"):
        rows["outcomes"] = [row | {"confidence": set(row["confidence"])} for row in rows["outcomes"]]
    return rows


def check(job: Job, wanted: Rows, engine: str) -> None:
    found, sent, filed = comparable(same_rows(job.store), engine), job.sent(), job.filed()
    wanted = comparable(wanted, engine)
    for table, right in wanted.items():
        assert found[table] == right, f"{table}: {len(found[table])} rows, {len(right)} wanted, or other ones"
    by_key = {row["key"]: row for row in wanted["outcomes"]}
    assert sent.keys() == by_key.keys()
    for key, value in sent.items():
        assert value["place"] == by_key[key]["place"], key
        assert value["summary"] == by_key[key]["values"].get("summary"), key
    assert sorted(filed) == sorted(key for key in by_key if not key.startswith("closing-")), "each once"
    again = len(messages(job.services.broker, job.out)) - len(sent)
    print(
        f"{len(by_key)} rows in PostgreSQL, Kafka ({again} came again under their keys) and files: none lost,"
    )
    print("none doubled, all equal to those of the run that nobody disturbed")


@contextmanager
def started() -> Iterator[Services]:
    folder = binaries()
    if folder is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    with server(folder) as postgres, kafka.broker() as broker, flink.cluster() as cluster:
        yield Services(postgres, broker, cluster)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--chats", type=int, default=100, help="for each kill")
    parser.add_argument("--engine", default=SCRIPTED)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    lines = chats.lines(options.chats * (options.kills + 1))
    with (
        started() as services,
        tempfile.TemporaryDirectory() as first,
        tempfile.TemporaryDirectory() as second,
    ):
        wanted = undisturbed(services, lines, options.engine, Path(first))
        print(f"undisturbed: {len(wanted['outcomes'])} rows", flush=True)
        job = Job(services, Path(second))
        rehearse(job, lines, wanted, options.kills, options.engine, options.seed)


if __name__ == "__main__":
    main()
