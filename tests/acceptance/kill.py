"""Kills `attune run` at random moments, again and again, and compares what is left with a run left in peace.

    python -m tests.acceptance.kill                                 # 200 kills on SQLite, 200 on PostgreSQL
    python -m tests.acceptance.kill --kills 20 --database sqlite
    python -m tests.acceptance.kill --kills 50 --database postgresql://user@host --mode queue

Exit code 0: the rows are the same, none lost, none doubled.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.postgres import binaries, server
from sqlalchemy import Select, select
from tests.acceptance.chaos import lines
from tests.postgres import new_database

from attune.store import Store
from attune.store.database import connect
from attune.store.schema import attempts, dead_letters, outcomes, reviews

SCRIPT = "scripted:delay_ms={delay_ms}&unreadable=0.04&second_try=0.05"
TIMES = {"created_at", "first_slot_s", "total_s", "seconds", "seq", "number", "claimed_at"}
LIFE_S = 60.0


@dataclass(slots=True)
class Tally:
    """What the kills of one database came to."""

    kills: int = 0
    kills_before_work: int = 0
    stores: int = 0
    recovered_s: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        times = sorted(self.recovered_s) or [0.0]
        return {
            "kills": self.kills,
            "kills_before_work": self.kills_before_work,
            "stores": self.stores,
            "recovery_p50_s": round(times[len(times) // 2], 3),
            "recovery_max_s": round(times[-1], 3),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """One input, worked through with a number of kills on the way."""

    path: Path
    kills: int
    lease_s: float
    draw: random.Random

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "attune", *words]

    def run(self, address: str, sources: list[str], delay_ms: int) -> list[str]:
        limits = ["--in-flight", "8", "--lease-s", str(self.lease_s), "--max-claims", "1000"]
        engine = ["--engine", SCRIPT.format(delay_ms=delay_ms)]
        return self.command("run", *sources, "--store", address, *engine, *limits, "--quiet", "--json")


def rows(address: str) -> dict[str, list[Any]]:
    """All rows of a store but their times, in the order of their names."""
    database = connect(address)
    found = {}
    for table in (outcomes, reviews, dead_letters, attempts):
        columns = [column for column in table.columns if column.name not in TIMES]
        query: Select[Any] = select(*columns).order_by(*table.primary_key.columns)
        found[table.name] = database.read(lambda at, query=query: [tuple(row) for row in at.execute(query)])  # type: ignore[misc]
    database.close()
    return found


def in_peace(plan: Plan, address: str) -> dict[str, list[Any]]:
    _finish(plan.run(address, [str(plan.path)], delay_ms=0))
    return rows(address)


def through_kills(plan: Plan, address: str, mode: str, tally: Tally) -> dict[str, list[Any]]:
    """The rows of a store whose workers were killed, each at its own moment, until all was done."""
    tally.stores += 1
    sources = [str(plan.path)]
    if mode == "queue":
        fill = plan.command("enqueue", *sources, "--store", address)
        _kill_after(fill, lambda: time.sleep(plan.draw.uniform(0.2, 0.8)), tally)
        _finish(fill)
        sources = []
    with Store.open(address) as store:
        work = plan.run(address, sources, delay_ms=25)
        for left in range(plan.kills, 0, -1):
            if not _live_and_die(work, store, plan, left, tally):
                break
        _finish(plan.run(address, sources, delay_ms=0))
        assert store.waiting() == 0, f"{store.waiting()} inputs still wait"
    return rows(address)


def _live_and_die(work: list[str], store: Store, plan: Plan, left: int, tally: Tally) -> bool:
    """One worker's life; False if it came to its end before its death."""
    before = _settled(store)
    total = len(plan.path.read_text().splitlines())
    share = max(1, 2 * (total - before) // (left + 2))
    at_least = 0 if plan.draw.random() < 0.2 else plan.draw.randint(1, share)
    started = time.monotonic()

    def wait() -> None:
        seen_first = False
        while (done := _settled(store) - before) < max(at_least, 1) and process.poll() is None:
            seen_first = _note_first(done, seen_first, started, tally)
            if at_least == 0 and time.monotonic() - started > before_work_s:
                return
            assert time.monotonic() - started < LIFE_S, "nothing is settled any more"
            time.sleep(0.002)
        _note_first(_settled(store) - before, seen_first, started, tally)
        time.sleep(plan.draw.uniform(0, 0.03))

    before_work_s = plan.draw.uniform(0, 1.0)
    process = subprocess.Popen(work, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    lived_on = _kill(process, wait, tally, worked=at_least > 0)
    if sys.stderr.isatty():
        print(f"\r{tally.kills} kills, {_settled(store):,} settled ", end="", file=sys.stderr, flush=True)
    return lived_on


def _note_first(done: int, seen: bool, started: float, tally: Tally) -> bool:
    if done and not seen:
        tally.recovered_s.append(time.monotonic() - started)
    return seen or done > 0


def _kill_after(command: list[str], wait: Callable[[], None], tally: Tally) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _kill(process, wait, tally, worked=True)


def _kill(process: subprocess.Popen[bytes], wait: Callable[[], None], tally: Tally, worked: bool) -> bool:
    with process:
        try:
            wait()
        finally:
            process.kill()
        errors = process.communicate()[1].decode()
    assert process.returncode in (0, 1, -signal.SIGKILL), f"exit {process.returncode}: {errors}"
    killed = process.returncode == -signal.SIGKILL
    tally.kills += killed
    tally.kills_before_work += killed and not worked
    return killed


def _finish(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIFE_S)
    # 1: what was left to do were dead letters alone.
    assert done.returncode in (0, 1), f"exit {done.returncode}: {done.stderr}"
    assert done.stdout, done.stderr
    if "run" in command:
        counts = json.loads(done.stdout)
        assert counts["reconciled"], counts


def _settled(store: Store) -> int:
    return sum(store.counts().values())


def compare(peace: dict[str, list[Any]], war: dict[str, list[Any]]) -> None:
    for table, expected in peace.items():
        lost = [row for row in expected if row not in war[table]]
        more = [row for row in war[table] if row not in expected]
        assert not lost, f"{table}: {len(lost)} rows lost or changed, the first is {lost[0]}"
        assert not more, f"{table}: {len(more)} rows too many, the first is {more[0]}"
        assert len(expected) == len(war[table]), f"{table}: rows are doubled"


@contextmanager
def _addresses(database: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Addresses of new stores, as many as are asked for."""
    with ExitStack() as stack:
        if database == "sqlite":
            numbers = iter(range(1_000_000))
            yield lambda: str(folder / f"store{next(numbers)}.db")
        elif database == "postgres":
            found = binaries()
            assert found is not None, "the PostgreSQL server is not installed"
            address = stack.enter_context(server(found))
            yield lambda: new_database(address)
        else:
            yield lambda: new_database(database)


def campaign(database: str, given: argparse.Namespace) -> None:
    """All the kills of one database, on as many stores as they need."""
    draw = random.Random(given.seed)
    tally = Tally()
    modes = ["file", "queue"] if given.mode == "both" else [given.mode]
    with tempfile.TemporaryDirectory() as name, _addresses(database, Path(name)) as new_store:
        path = Path(name) / "chats.jsonl"
        path.write_text("\n".join(lines(given.chats, given.seed)) + "\n")
        peace = in_peace(Plan(path, 0, given.lease_s, draw), f"{name}/peace.db")
        print(*(f"{len(found):,} {table}" for table, found in peace.items()), sep=", ")
        for number, mode in enumerate(modes, start=1):
            until = given.kills * number // len(modes)
            while tally.kills < until:
                plan = Plan(path, until - tally.kills, given.lease_s, draw)
                compare(peace, through_kills(plan, new_store(), mode, tally))
                print(f"{tally.kills}/{given.kills} kills of {mode} runs: the same rows", flush=True)
    kind = database.split(":", maxsplit=1)[0]
    print(json.dumps({"database": kind, "chats": given.chats, **tally.to_json()}), flush=True)


def main() -> int:
    given = _arguments()
    for database in given.database or ["sqlite", "postgres"]:
        campaign(database, given)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", action="append", help="sqlite, postgres, or a server's address")
    parser.add_argument("--mode", choices=["file", "queue", "both"], default="both")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--chats", type=int, default=2000)
    parser.add_argument("--lease-s", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
