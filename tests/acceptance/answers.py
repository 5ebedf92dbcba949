"""A thousand answers of the embedded model on a thousand different chats, each parsed against its task.

    python -m tests.acceptance.answers [HOW MANY]

The chats are the samples, hostile ones among them, each also broken off after every one of its turns, and
then with the turns of two chats run together: some of it is nonsense, as real exports are.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice, pairwise

from bench.pipeline import sample

from attune import connect
from attune.chat import Chat
from attune.handle import Act, handle
from attune.outcome import Outcome


def different_chats() -> Iterator[Chat]:
    whole = sample(209)
    yield from whole
    for chat in whole:
        for end in range(1, len(chat.turns)):
            yield replace(chat, id=f"{chat.id}.{end}", turns=chat.turns[:end])
    for one, other in pairwise(whole):
        yield replace(one, id=f"{one.id}+{other.id}", turns=one.turns + other.turns)


def outcomes(count: int) -> list[Outcome]:
    engine = connect.engine("pocket")
    act = Act(connect.task("triage", "pocket"), engine)
    chats = list(islice(different_chats(), count))
    assert len({chat.digest for chat in chats}) == count
    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(lambda chat: handle(chat, act), chats))
    engine.close()
    return done


def misfits(done: list[Outcome]) -> list[str]:
    """What any attempt got wrong: with slots, nothing should."""
    return [f"{o.key}: {attempt.error}" for o in done for attempt in o.attempts if attempt.error]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    started = time.monotonic()
    done = outcomes(count)
    wrong = misfits(done)
    places = ", ".join(f"{place} {number}" for place, number in Counter(o.place for o in done).items())
    asked = sum(len(outcome.attempts) for outcome in done)
    took = f"{count} chats, {asked} answers in {time.monotonic() - started:.0f} s"
    print(f"{took}: {places}; {len(wrong)} did not fit")
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
