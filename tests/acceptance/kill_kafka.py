"""Kills `attune run` between two Kafka topics at random moments; what came out is as of a run in peace.

    python -m tests.acceptance.kill_kafka                        # 100 kills, 2,000 chats
    python -m tests.acceptance.kill_kafka --kills 5 --chats 200

Exit code 0: every outcome is in the topic, none lost, none doubled, as a reader of committed messages sees.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services import kafka
from tests.acceptance.chaos import lines
from tests.brokers import fill, messages, new_topic

from attune.feed import identify

TIMES = ("created_at", "first_slot_s", "total_s")
QUICK = "session.timeout.ms=1000&heartbeat.interval.ms=200"
LIFE_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One topic of chats, its outcomes' topic, and the store between them."""

    broker: str
    chats: str
    store: Path

    def command(self, out: str, delay_ms: int) -> list[str]:
        source = f"kafka://{self.broker}/{self.chats}?group={out}&{QUICK}"
        sink = f"kafka://{self.broker}/{out}?rows=20"
        script = f"scripted:delay_ms={delay_ms}&unreadable=0.04&second_try=0.05"
        limits = ["--in-flight", "8", "--lease-s", "0.5", "--max-claims", "1000", "--engine", script]
        run = [sys.executable, "-m", "attune", "run", source, "--sink", sink, "--store", str(self.store)]
        return [*run, *limits, "--quiet", "--json"]


def outcomes(broker: str, topic: str) -> dict[str, dict[str, Any]]:
    """The outcomes in a topic by their key; none may be there twice."""
    found = [json.loads(value) for _, value in messages(broker, topic)]
    keys = [f"{row['task']}/{row['task_version']}/{row['id']}" for row in found]
    doubled = [key for key, count in Counter(keys).items() if count > 1]
    assert not doubled, f"{len(doubled)} outcomes are doubled, the first is {doubled[0]}"
    plain = [{name: value for name, value in row.items() if name not in TIMES} for row in found]
    return dict(zip(keys, plain, strict=True))


def finish(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIFE_S)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    counts = json.loads(done.stdout)
    assert counts["reconciled"], counts
    assert all(sink["waiting"] == 0 for sink in counts["sinks"]), counts


def through_kills(plan: Plan, out: str, kills: int, draw: random.Random) -> int:
    """Lives of workers, each ended at its own moment; how many ended so."""
    killed = 0
    for _ in range(kills):
        process = subprocess.Popen(
            plan.command(out, delay_ms=25), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(draw.uniform(0.5, 4.0))
        killed += process.poll() is None
        process.kill()
        process.wait()
    finish(plan.command(out, delay_ms=0))
    return killed


def campaign(broker: str, kills: int, chats: int, seed: int, say: Callable[[str], None]) -> int:
    """Kills on as many topics as they need, since every chat is worked through at some time."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(broker, new_topic(broker), Path(folder) / "peace.db")
        # Of two chats under one id the first to come keeps it: partitions have no order between them.
        one_each = {identify(line.encode(), "", 1_000_000).key: line.encode() for line in lines(chats, seed)}
        fill(broker, plan.chats, list(one_each.values()))
        peace = new_topic(broker)
        finish(plan.command(peace, delay_ms=0))
        expected = outcomes(broker, peace)
        assert len(expected) == len(one_each)
        killed = rounds = 0
        while killed < kills:
            rounds += 1
            out = new_topic(broker)
            at_war = Plan(broker, plan.chats, Path(folder) / f"war{rounds}.db")
            killed += through_kills(at_war, out, min(12, kills - killed), draw)
            found = outcomes(broker, out)
            assert found.keys() == expected.keys(), f"lost: {sorted(expected.keys() - found.keys())[:5]}"
            assert found == expected
            say(f"{killed}/{kills} kills, {rounds} topics: the same {len(found):,} outcomes, each once")
        return killed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--chats", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with kafka.broker() as broker:
        killed = campaign(broker, given.kills, given.chats, given.seed, lambda text: print(text, flush=True))
    print(json.dumps({"kills": killed}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
