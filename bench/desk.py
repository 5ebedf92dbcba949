"""Reviewers at the desk, all at once: is each item decided once, and how long does a page take.

    python -m bench.desk
    python -m bench.desk --reviewers 10 --items 200 --think 0.2

The desk runs in a process of its own on loopback, the reviewers are threads of this one. Each opens an item,
thinks, has the text kept, decides (one in ten is rejected, one in three edited) and is led to the next.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from attune.desk.roles import Role
from attune.outcome import Attempt, Outcome, Place
from attune.store import Input, Store
from bench import report

PASSWORD = "a password for the bench"
KEY = b"the bench's key, of no use elsewhere"
DRAFT = "Hello, we are sorry that your order came late. We will look into it today and call you. Kind regards"
_TEXT = "I ordered on Monday, it is Thursday, and nobody tells me where my parcel is. " * 4
_WAYS = """{reviewers} reviewers with {think:g} s of thought for each item decide {items:,} items on loopback:
the desk in one process on SQLite, the reviewers in another on the same cores. A person takes many times as
long for an item. Every item was decided exactly once, and each decision is one record of the outbox or
one rejection."""


@dataclass(frozen=True, slots=True)
class Load:
    """How many people, for how much, and how long each thinks about an item, in seconds."""

    reviewers: int = 50
    items: int = 5_000
    think: float = 2.0


@dataclass
class Seen:
    """What the reviewers saw: seconds by kind of page, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    decided: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    took_s: float = 0.0


def fill(store: Store, items: int) -> None:
    """Puts review items into the store, as a run would leave them."""
    for start in range(0, items, 500):
        names = [f"{number:06d}" for number in range(start, min(items, start + 500))]
        inputs = [Input(name, f"{name:0>32}", b"{}", "bench") for name in names]
        taken = store.admit(inputs, "triage", "bench", "bench", 60.0)
        store.settle([(item, _outcome(item.key)) for item in taken.items])


def people(store: Store, reviewers: int) -> list[str]:
    """Adds reviewers and logs each in: their tokens."""
    tokens = []
    for number in range(reviewers):
        name = f"reviewer-{number}"
        store.users.add(name, Role.REVIEWER, PASSWORD, "bench")
        tokens.append(store.sessions.login(name, PASSWORD, name, 3600).token)
    return tokens


def decide_all(address: str, tokens: list[str], load: Load) -> Seen:
    """All reviewers at once, until nothing is left."""
    seen, began = Seen(), time.perf_counter()
    threads = [threading.Thread(target=_work, args=(address, token, load, seen)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen.took_s = time.perf_counter() - began
    return seen


def check(store: Store, load: Load, seen: Seen) -> None:
    """Every item was decided once, none was lost, and what is approved is in the outbox once."""
    assert not seen.faults, seen.faults[:5]
    assert sorted(seen.decided) == sorted(set(seen.decided))
    assert len(seen.decided) == load.items
    assert store.reviews.waits("nobody").open == 0
    acts = [record.act for record in store.audit.records() if record.subject.startswith("chat:")]
    assert sum(act in ("approved", "edited", "rejected") for act in acts) == load.items
    assert not store.audit.verify().fault


def run(load: Load, folder: Path) -> Seen:
    """Fills a store in `folder`, serves it, and has it decided."""
    path = folder / "desk.db"
    with Store.open(path) as store:
        fill(store, load.items)
        tokens = people(store, load.reviewers)
        with subprocess.Popen(
            [sys.executable, "-m", "bench.desk", "--serve", str(path)], stdout=-1, text=True
        ) as desk:
            assert desk.stdout is not None
            try:
                seen = decide_all(desk.stdout.readline().strip(), tokens, load)
            finally:
                desk.terminate()
        check(store, load, seen)
    return seen


def _work(address: str, token: str, load: Load, seen: Seen) -> None:
    from attune.pages.door import COOKIE, signed
    from attune.pages.settings import Settings

    cookie = f"{COOKIE}={signed(token, Settings(key=KEY))}"
    reviewer = _Reviewer(address, cookie, seen, random.Random(token))
    time.sleep(reviewer.chance.random() * load.think)
    try:
        where = reviewer.post("take", "/next", reviewer.token(reviewer.get("queue", "/")))
        for turn in itertools.count(1):
            if not where.startswith("/items/"):
                return
            where = reviewer.decide(where, load.think * (0.5 + reviewer.chance.random()))
            if turn % 10 == 0:
                reviewer.get("queue", "/")
    except (AssertionError, urllib3.exceptions.HTTPError) as fault:
        seen.faults.append(repr(fault))


@dataclass
class _Reviewer:
    address: str
    cookie: str
    seen: Seen
    chance: random.Random
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=1, retries=False))

    def get(self, kind: str, path: str) -> str:
        return self._ask(kind, "GET", path).data.decode()

    def post(self, kind: str, path: str, form: dict[str, str], **headers: str) -> str:
        """Where it leads; "" where it leads nowhere."""
        answer = self._ask(kind, "POST", path, fields=form, encode_multipart=False, headers=headers)
        return answer.headers.get("location", "").partition("?")[0]

    def decide(self, where: str, think_s: float) -> str:
        """One item: look, think, type, decide. Where that leads."""
        page = self.get("item", where)
        time.sleep(think_s)
        edited, rejected = self.chance.random() < 0.33, self.chance.random() < 0.1
        form = self.token(page) | {
            "text": f"{DRAFT} Ann" if edited else DRAFT,
            "draft": DRAFT,
            "version": "0",
        }
        self.post("keep", f"{where}/save", form, **{"X-Part": "1"})
        if rejected:
            onward = self.post("decide", f"{where}/reject", form | {"reason": "other"})
        else:
            onward = self.post("decide", f"{where}/approve", form)
        assert onward, f"{where} led nowhere"
        self.seen.decided.append(int(where.rpartition("/")[2]))
        return onward

    def token(self, page: str) -> dict[str, str]:
        lease = re.search(r'name="lease" value="(\w*)"', page)
        csrf = re.search(r'data-csrf="(\w+)"', page)
        assert csrf, page[:200]
        return {"csrf": csrf[1], "lease": lease[1] if lease else ""}

    def _ask(self, kind: str, method: str, path: str, **given: Any) -> urllib3.BaseHTTPResponse:
        given["headers"] = {"Cookie": self.cookie} | given.get("headers", {})
        began = time.perf_counter()
        answer = self.pool.request(method, self.address + path, redirect=False, timeout=30, **given)
        self.seen.seconds[kind].append(time.perf_counter() - began)
        assert answer.status in (200, 303), f"{method} {path}: {answer.status} {answer.data[:300]!r}"
        return answer


def serve(path: str, ready: Callable[[str], None] = lambda address: print(address, flush=True)) -> None:
    """The desk on a free port, until it is told to end."""
    import uvicorn

    from attune import connect
    from attune.handle import Act
    from attune.pages.app import application
    from attune.pages.desk import Desk
    from attune.pages.drafting import Drafting
    from attune.pages.settings import Settings
    from attune.serve.process import listening

    act = Act(connect.task("triage", "scripted:"), connect.engine("scripted:"))
    with Store.open(path) as store, listening("127.0.0.1", 0) as listener:
        desk = Desk(store, Drafting(act), Settings(key=KEY))
        ready(f"http://127.0.0.1:{listener.getsockname()[1]}")
        config = uvicorn.Config(application(desk), log_config=None, access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


def _outcome(key: str) -> Outcome:
    chat = {"id": key, "user_id": f"u{key}", "turns": [{"role": "customer", "text": _TEXT}]}
    return Outcome(
        Place.REVIEW,
        key,
        f"{key:0>32}",
        "triage",
        "bench",
        chat=chat | {"language": "en", "channel": "email"},
        values={"sentiment": -1, "summary": "The parcel is late, and nobody says where it is."},
        confidence={"sentiment": 0.9},
        attempts=(Attempt("triage", 0, "{}", "", 0.1),),
        draft=DRAFT,
        model="bench",
    )


def _tell(load: Load, seen: Seen, seconds: float, dry: bool) -> None:
    kinds = {
        "item": "an item",
        "decide": "a decision",
        "keep": "text kept, with its word diff",
        "queue": "the queue",
    }
    rows = [_row(told, seen.seconds[kind]) for kind, told in kinds.items()]
    rows.append(_row("all", [each for found in seen.seconds.values() for each in found]))
    body = report.table(("page", "requests", "median ms", "p99 ms", "longest ms"), rows)
    requests = sum(map(len, seen.seconds.values()))
    rate = f"{len(seen.decided) / seconds:,.0f} decisions/s, {requests / seconds:,.0f} requests/s."
    ways = _WAYS.format(reviewers=load.reviewers, think=load.think, items=load.items)
    print(body, rate, sep="\n\n")
    if not dry:
        report.write("The review desk", "make desk-load", f"{ways}\n\n{body}\n\n{rate}")


def _row(told: str, found: list[float]) -> tuple[str, ...]:
    ranked = sorted(found)
    marks = (ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)], ranked[-1])
    return (told, f"{len(ranked):,}", *(f"{each * 1000:,.0f}" for each in marks))


def main() -> int:
    usual = Load()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--reviewers", type=int, default=usual.reviewers)
    parser.add_argument("--items", type=int, default=usual.items)
    parser.add_argument("--think", type=float, default=usual.think, help="seconds")
    parser.add_argument("--dry", action="store_true", help="leave docs/benchmarks.md as it is")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return 0
    load = Load(given.reviewers, given.items, given.think)
    with tempfile.TemporaryDirectory() as folder:
        seen = run(load, Path(folder))
        _tell(load, seen, seen.took_s, given.dry)
    return 0


if __name__ == "__main__":
    sys.exit(main())
