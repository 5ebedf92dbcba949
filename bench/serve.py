"""The service under load: clients alone and together, and a list beside single calls.

    python -m bench.serve

The load comes from a process of its own, over loopback, on the machine that serves.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attune import connect
from attune.chat import parse_chat
from attune.handle import Act, handle
from bench import report

CLIENTS = (1, 8, 32, 64)
LIST = 32
PAIRS = 5
_HEADERS = {"Content-Type": "application/json"}
_ABOUT = """The embedded model, the sample chats, each put into the store, handled and answered. *In turn* is
the same service with one chat at a time with the engine (`--in-flight 1`), as the seeds' hosting container
answers. Clients are threads of one process that ask again as soon as they are answered."""

Chat = dict[str, Any]


def samples() -> list[Chat]:
    """The sample chats that can be read, under ids of their own."""
    lines = connect.SAMPLES.read_bytes().splitlines()
    readable = []
    for line in lines:
        with contextlib.suppress(Exception):
            readable.append(parse_chat(line).to_json())
    return readable


@contextlib.contextmanager
def service(folder: Path, name: str, *args: str) -> Iterator[str]:
    """`attune serve` with a store of its own: its address."""
    command = [sys.executable, "-m", "attune", "serve", "--port", "0", "--store", str(folder / f"{name}.db")]
    with subprocess.Popen([*command, *args], cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        post(address, [dict(chat, id=f"warm-{n}") for n, chat in enumerate(samples()[-8:])])
        try:
            yield address
        finally:
            process.terminate()


def post(address: str, body: Any) -> float:
    """Asks for the outcomes of one or several chats, and says how many seconds that took."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=300)
    with contextlib.closing(connection):
        return _ask(connection, body)


def _ask(connection: http.client.HTTPConnection, body: Any) -> float:
    began = time.perf_counter()
    connection.request("POST", "/v1/chats", json.dumps(body), _HEADERS)
    answer = connection.getresponse()
    said = json.loads(answer.read())
    assert answer.status == 200, said
    return time.perf_counter() - began


def load(address: str, clients: int, count: int) -> dict[str, float]:
    """`count` chats by so many clients: chats a second, and milliseconds for the median and the slow."""
    chats = iter([dict(chat, id=f"{clients}-{n}") for n, chat in enumerate(_many(count))])
    turn, seconds = threading.Lock(), list[float]()

    def ask() -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=300)
        while True:
            with turn:
                chat = next(chats, None)
            if chat is None:
                return connection.close()
            seconds.append(_ask(connection, chat))

    began = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    cuts = statistics.quantiles(seconds, n=100)
    return {"per_s": count / took, "p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000}


def _many(count: int) -> list[Chat]:
    """So many chats, no two alike: an engine that has seen one reads it faster."""
    found = samples()
    return [
        dict(chat, turns=[*chat["turns"], {"role": "customer", "text": f"My number is {n}."}])
        for n, chat in ((n, found[n % len(found)]) for n in range(count))
    ]


def loads(folder: Path, chats: int) -> list[tuple[Any, ...]]:
    rows = []
    for clients in CLIENTS:
        count = max(chats, 4 * clients) if clients > 1 else chats // 2
        with service(folder, f"together-{clients}") as address:
            ours = _loaded(address, clients, count)
        with service(folder, f"in-turn-{clients}", "--in-flight", "1") as address:
            turn = _loaded(address, clients, count)
        rows.append((clients, *_shown(ours), *_shown(turn), f"{ours['per_s'] / turn['per_s']:.1f} ×", count))
    return rows


def _shown(found: dict[str, float]) -> tuple[str, ...]:
    return f"{found['per_s']:.1f}", f"{found['p50_ms']:,.0f}", f"{found['p99_ms']:,.0f}"


def _loaded(address: str, clients: int, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.serve", "--load", address, str(clients), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def lists(folder: Path) -> list[tuple[str, float, float]]:
    """Seconds for 32 chats: the engine's own batch, a list of 32, 32 calls in turn; medians and ratios."""
    engine = connect.engine("pocket")
    act = Act(connect.task("triage", "pocket"), engine)
    taken: dict[str, list[float]] = {"engine": [], "list": [], "calls": []}
    with (
        service(folder, "list") as listed,
        service(folder, "calls") as called,
        ThreadPoolExecutor(LIST) as pool,
    ):
        _batch(samples()[-8:], act, pool)
        for pair in range(PAIRS):
            chats = [
                dict(chat, id=f"{pair}-{n}")
                for n, chat in enumerate(samples()[pair * LIST : (pair + 1) * LIST])
            ]
            taken["engine"].append(_batch(chats, act, pool))
            taken["list"].append(post(listed, chats))
            taken["calls"].append(sum(post(called, chat) for chat in chats))
    engine.close()
    own = taken["engine"]
    return [
        (
            name,
            statistics.median(seconds),
            statistics.median(s / e for s, e in zip(seconds, own, strict=True)),
        )
        for name, seconds in taken.items()
    ]


def _batch(chats: Sequence[Chat], act: Act, pool: ThreadPoolExecutor) -> float:
    parsed = [parse_chat(json.dumps(chat).encode()) for chat in chats]
    began = time.perf_counter()
    list(pool.map(lambda chat: handle(chat, act), parsed))
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--chats", type=int, default=192, help="for each row of the first table")
    parser.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load:
        address, clients, count = given.load
        print(json.dumps(load(address, int(clients), int(count))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        compared, loaded = lists(Path(folder)), loads(Path(folder), given.chats)
    words = {"engine": "the engine's own batch", "list": "one request with a list", "calls": "calls in turn"}
    rows = [(words[name], f"{seconds:.2f}", f"{ratio:.2f} ×") for name, seconds, ratio in compared]
    head = ("clients", "chats/s", "p50 ms", "p99 ms", "in turn chats/s", "p50 ms", "p99 ms", "gain", "chats")
    rounds = f"Medians of {PAIRS} rounds, ratios by round:"
    of_lists = report.table((f"{LIST} chats", "s", "engine's own"), rows)
    body = "\n\n".join((_ABOUT, report.table(head, loaded), rounds, of_lists))
    print(body)
    report.write("The service", "make bench", body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
