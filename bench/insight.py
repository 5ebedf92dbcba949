"""How long the desk's figures take over a million chats.

    python -m bench.insight
    python -m bench.insight --chats 100000 --database sqlite --json
    python -m bench.insight --pages

A store is filled with made-up chats of 90 days in five languages, 70 % of them table rows, the rest review
items, half of those decided; all are folded in. Then each query of the pages is asked a few times; with
--pages the pages themselves instead, over HTTP on loopback.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn
from services.postgres import binaries, server
from sqlalchemy import Connection, text
from tests.postgres import new_database

from attune import connect
from attune.compare.reviewed import reviewed
from attune.compare.verdict import verdict
from attune.desk.ruling import Kind
from attune.desk.score import changed
from attune.handle import Act
from attune.pages.app import application
from attune.pages.desk import Desk
from attune.pages.drafting import Drafting
from attune.pages.settings import Settings
from attune.serve.process import listening
from attune.store import Store
from attune.store.desk import sorts, tally
from attune.store.desk.insight import Frame
from attune.store.desk.queue import Wanted
from attune.store.desk.schema import decisions
from attune.store.desk.search import Look
from attune.store.desk.tally import About, Count
from attune.store.schema import last_outcome, outcomes, reviews
from attune.testing import ScriptedEngine
from bench import report

Visit = Callable[[str], bytes]
DAYS, DAY_S = 90, 86_400.0
ASKED = 9
_AT_ONCE = 5000
LANGUAGES = ("en", "en", "en", "de", "ko", "ja", "es")
CHANNELS = ("mail", "chat", "phone")
WORDS = {
    "en": ["refund", "order", "delivery", "late", "thanks", "agent", "invoice", "broken", "account"],
    "de": ["Rückerstattung", "Bestellung", "Lieferung", "verspätet", "danke", "Rechnung", "defekt", "Konto"],
    "ko": ["환불", "주문", "배송이", "늦어요", "감사합니다", "계정", "비밀번호를", "고장", "영수증"],
    "ja": ["返金", "注文が", "届きません", "ありがとう", "請求書", "壊れた", "パスワード"],
    "es": ["reembolso", "pedido", "entrega", "tarde", "gracias", "factura", "roto", "cuenta"],
}
_WAYS = """Median of {asked} runs after one to warm up, the slowest in brackets. {chats:,} chats of {days}
days in five languages, three channels and two arms; every third or so a review item, half of those still
open. All are counted and made findable (folded in), which happens apart from settling."""


def chats(count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Rows of outcomes, and of reviews for every third or so."""
    drawn = random.Random(7)
    begin = time.time() - DAYS * DAY_S
    for n in range(1, count + 1):
        language, unhappy = drawn.choice(LANGUAGES), drawn.random() < 0.3
        said = " ".join(drawn.choices(WORDS[language], k=14))
        at = begin + DAYS * DAY_S * n / count
        name = {"key": f"c{n}", "task": "triage", "task_version": "v1"}
        about = {
            "user_id": f"u{n % (count // 3 + 1)}",
            "language": language,
            "channel": drawn.choice(CHANNELS),
            "model": "pocket",
            "arm": "b" if n % 10 == 0 else "base",
        }
        row: dict[str, Any] = {
            **name, **about, "place": "review" if unhappy else "table", "digest": f"{n:032}", "seq": n,
            "values": {"sentiment": -1 if unhappy else drawn.randint(0, 1), "summary": said},
            "confidence": {}, "flags": [], "prompt_tokens": 200, "output_tokens": 30,
            "first_slot_s": 0.1, "total_s": 0.4, "attempts": 1, "created_at": at,
        }  # fmt: skip
        turns = [{"role": "customer", "text": said}] * 3
        review = {
            **name, **about, "number": n, "chat": {"id": f"c{n}", "user_id": "u1", "turns": turns},
            "draft": "We are sorry.", "status": "open", "created_at": at, "lease_until": 0.0,
        }  # fmt: skip
        yield row, review if unhappy else None


def fill(store: Store, count: int) -> None:
    """Writes the chats as settling and deciding would have, in large transactions."""
    source = chats(count)
    while batch := list(islice(source, _AT_ONCE)):
        store._database.write(partial(_insert, batch=batch), durable=False)  # noqa: SLF001 - at its speed
    while store.insight.fold(60):
        """On until all are in."""
    store._database.write(lambda connection: connection.execute(text("ANALYZE")))  # noqa: SLF001 - as servers do


def _insert(connection: Connection, batch: list[Any]) -> None:
    for _, review in batch:
        if review and review["number"] % 2:
            review["status"] = "approved"
    there = [review for _, review in batch if review]
    connection.execute(outcomes.insert(), [row for row, _ in batch])
    connection.execute(reviews.insert(), there)
    decided = [review for review in there if review["status"] == "approved"]
    made = [_decision(review) for review in decided]
    connection.execute(decisions.insert(), made)
    summed = (_counts(*pair) for pair in zip(decided, made, strict=True))
    tally.add_all(connection, [count for counts in summed for count in counts])
    sorts.count(connection, [sorts.sort_of(each) for each in there if each["status"] == "open"], 1)
    connection.execute(last_outcome.update().values(seq=batch[-1][0]["seq"]))


def _decision(review: dict[str, Any]) -> dict[str, Any]:
    n = review["number"]
    kind = ("approved", "edited", "rejected")[n // 2 % 3]
    said = dict.fromkeys(("draft", "instruction", "text", "reason", "words", "acknowledged"), "")
    return said | {
        "id": f"d{n}", "number": n, "lease": f"l{n}", "person": "bench", "kind": kind,
        "reason": "other" if kind == "rejected" else "", "distance": n % 9, "units": 20,
        "waited_s": 60.0 + n % 3000, "worked_s": 5.0 + n % 200, "decided_at": review["created_at"] + 600,
    }  # fmt: skip


def _counts(review: dict[str, Any], made: dict[str, Any]) -> Iterator[tuple[About, Count]]:
    about = About("triage", *(review[name] for name in sorts.NAMES))
    at, waited = made["decided_at"], made["waited_s"]
    yield about, Count("decision", made["kind"], at, 1, made["distance"])
    if made["kind"] == Kind.EDITED:
        yield about, Count("edit", str(changed(made["distance"], made["units"])), at)
    yield about, Count("claim_s", tally.bucket(waited), at)
    yield about, Count("decide_s", tally.bucket(waited + made["worked_s"]), at)


def questions(store: Store, count: int) -> dict[str, Callable[[], Any]]:
    """What the pages ask, by what a person would call it."""
    now = time.time()
    all_days, last_days = Frame(now - DAYS * DAY_S, now), Frame(now - 2 * DAY_S, now, "hour")
    insight, look = store.insight, store.insight.search
    one = look(Look(place="review"), limit=1)[0].number
    return {
        "volume and sentiment, 90 days": lambda: insight.over_time("chat", all_days),
        "volume, one language and channel": lambda: insight.over_time(
            "chat", replace(all_days, language="ko", channel="mail")
        ),
        "volume, 2 days by the hour": lambda: insight.over_time("chat", last_days),
        "sentiment by language": lambda: insight.by("language", "chat", all_days),
        "decisions by model": lambda: insight.by("model", "decision", all_days),
        "every figure of two arms, with intervals": lambda: reviewed(insight, all_days),
        "the verdict on two arms": lambda: verdict(store, "base", "b", now),
        "waiting time, p50 and p90": lambda: insight.waiting_s("decide_s", all_days),
        "newest chats": lambda: look(Look()),
        "search: a common word": lambda: look(Look("refund")),
        "search: two words": lambda: look(Look("refund broken")),
        "search: part of a Korean word": lambda: look(Look("송이")),
        "search: part of a Japanese word": lambda: look(Look("かない", language="ja")),
        "search: a word that is nowhere": lambda: look(Look("zeppelin")),
        "search: language, channel, sentiment": lambda: look(Look("", "ja", "phone", sentiment="0")),
        "search: facts that no chat has": lambda: look(Look("", "xx", "phone")),
        "search: one customer": lambda: look(Look(user_id="u77")),
        "search: a page far back": lambda: look(Look("refund"), before=count // 10),
        "a chat's whole way": lambda: insight.way(one),
        "the queue, 50 oldest": store.reviews.waiting,
        "the queue, of a language that none has": lambda: store.reviews.waiting(Wanted(language="xx")),
        "the queue's counts": lambda: store.reviews.waits("bench"),
        "the queue's counts, a day or more": lambda: store.reviews.waits("bench", Wanted(waits_s=DAY_S)),
        "what the queue can be filtered by": store.reviews.sorts,
        "the change number": store.reviews.change,
    }


def pages(store: Store, count: int, visit: Visit) -> dict[str, Callable[[], Any]]:
    """The pages of insight, search, a chat and the queue, by what a person would call them."""
    one = store.insight.search(Look(place="review"), limit=1)[0].number
    day = f"{datetime.fromtimestamp(time.time() - 60 * DAY_S, UTC):%Y-%m-%d}"
    paths = {
        "insight, 30 days": "/insight",
        "insight, 90 days": "/insight?range=90",
        "insight, one language and channel": "/insight?range=90&language=ko&channel=mail",
        "insight, 24 hours": "/insight?range=1",
        "insight, the export of 90 days": "/insight/export?range=90",
        "search, the newest": "/search",
        "search, a common word": "/search?q=refund",
        "search, part of a Korean word": "/search?q=송이",
        "search, a word up to a day": f"/search?q=refund&to={day}",
        "search, a page far back": f"/search?q=refund&before={count // 10}",
        "a chat": f"/chats/{one}",
        "compose": "/compose",
        "the queue": "/",
        "the queue, one language and channel": "/?language=ko&channel=mail",
        "the queue, an arm with a tenth": "/?arm=b",
        "the queue, a day or more": "/?waits=86400",
        "the queue, none like this": "/?language=xx",
    }
    return {name: partial(visit, path) for name, path in paths.items()}


def measure(asked: dict[str, Callable[[], Any]]) -> dict[str, tuple[float, float]]:
    """The median and the slowest of each question, in milliseconds."""
    found = {}
    for name, ask in asked.items():
        ask()
        taken = []
        for _ in range(ASKED):
            began = time.perf_counter()
            ask()
            taken.append((time.perf_counter() - began) * 1e3)
        found[name] = (statistics.median(taken), max(taken))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--chats", type=int, default=1_000_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--keep", type=Path, help="a folder for the SQLite store, filled if it is not there")
    parser.add_argument("--pages", action="store_true", help="the pages, over HTTP on loopback")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, dict[str, tuple[float, float]]] = {}
    with ExitStack() as stack:
        for name, address in _addresses(given, stack).items():
            with Store.open(address) as store:
                if not store.reviews.change():
                    fill(store, given.chats)
                with visiting(store) as visit:
                    ask = pages(store, given.chats, visit) if given.pages else questions(store, given.chats)
                    found[name] = measure(ask)
    if given.json:
        print(json.dumps(found))
    else:
        _tell(found, given.chats, given.pages)
    return 0


def _addresses(given: argparse.Namespace, stack: ExitStack) -> dict[str, str]:
    addresses = {}
    if given.database != "postgresql":
        folder = given.keep or stack.enter_context(tempfile.TemporaryDirectory())
        addresses["sqlite"] = f"{folder}/insight-{given.chats}.db"
    if given.database != "sqlite":
        installed = binaries()
        assert installed is not None, "the PostgreSQL server is not installed"
        addresses["postgresql"] = new_database(stack.enter_context(server(installed)))
    return addresses


@contextmanager
def visiting(store: Store) -> Iterator[Visit]:
    """Gives what fetches a page of the desk on loopback, as its one user."""
    act = Act(connect.task("triage", "scripted:"), ScriptedEngine())
    desk = Desk(store, Drafting(act), Settings(alone="bench"))
    server = uvicorn.Server(uvicorn.Config(application(desk), log_config=None, lifespan="off"))
    with listening("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        link = HTTPConnection(*listener.getsockname())
        try:
            yield partial(_get, link)
        finally:
            link.close()
            server.should_exit = True
            thread.join()


def _get(link: HTTPConnection, path: str) -> bytes:
    link.request("GET", quote(path, safe="/?=&"))
    answer = link.getresponse()
    body = answer.read()
    assert answer.status == 200, f"{path}: {answer.status}"
    return body


def _tell(found: dict[str, dict[str, tuple[float, float]]], count: int, of_pages: bool) -> None:
    names = list(next(iter(found.values())))
    rows = [
        (name, *(f"{each[name][0]:,.1f} ({each[name][1]:,.1f})" for each in found.values())) for name in names
    ]
    body = report.table(("page or question", *(f"{kind}, ms" for kind in found)), rows)
    told = f"{_WAYS.format(asked=ASKED, chats=count, days=DAYS)}\n\n{body}"
    print(told)
    section, more = ("The desk's pages", " --pages") if of_pages else ("The desk's figures", "")
    report.write(section, f"python -m bench.insight{more}", told)


if __name__ == "__main__":
    sys.exit(main())
