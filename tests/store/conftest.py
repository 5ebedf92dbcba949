"""A new store of each kind, and inputs and outcomes to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.outcome import Attempt, Outcome, Place, Reason
from attune.store import Admitted, Input, Item, Store

TASK, VERSION = "triage", "v1"


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not there yet, on each kind of database."""
    if request.param == "sqlite":
        return str(tmp_path / "new" / "attune.db")
    found: str = request.getfixturevalue("postgres")
    return found


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    with Store.open(address) as store:
        yield store


@pytest.fixture
def given() -> Callable[..., Input]:
    """Makes inputs: `given("7", "hello")` is chat 7 with those words."""

    def make(key: str, words: str = "hello") -> Input:
        return Input(key, f"{words:-<32}", f"{key}: {words}".encode(), f"chats.jsonl:{key}")

    return make


@pytest.fixture
def ended() -> Callable[..., tuple[Item, Outcome]]:
    """Makes what `settle` takes: an item and where it ended."""

    def make(item: Item, place: Place = Place.TABLE, **fields: Any) -> tuple[Item, Outcome]:
        parts: dict[Place, dict[str, Any]] = {
            Place.TABLE: {
                "values": {"sentiment": 1, "summary": "all well"},
                "confidence": {"sentiment": 0.9},
            },
            Place.REVIEW: {"values": {"sentiment": -1}, "draft": "We are sorry."},
            Place.DEAD: {"reason": Reason.UNREADABLE_ANSWER, "detail": "no JSON"},
        }
        chat = {"id": item.key, "user_id": "u1", "language": "en", "turns": []}
        tried = (Attempt("triage", 7, '{"sentiment":1}', "", 0.25),)
        filled = {"chat": chat, "attempts": tried, "total_s": 0.5, **parts[place], **fields}
        key = item.spare_key if item.conflict else item.key
        return item, Outcome(
            place, **{"key": key, **filled}, digest=item.digest, task=TASK, task_version=VERSION
        )

    return make


class Worker:
    """A worker at a store, under its own name."""

    def __init__(self, store: Store, owner: str, lease_s: float = 60.0) -> None:
        self.store, self.owner, self.lease_s = store, owner, lease_s

    def claim(self, n: int = 1) -> Admitted:
        return self.store.claim(n, TASK, VERSION, self.owner, self.lease_s)

    def admit(self, *inputs: Input) -> Admitted:
        return self.store.admit(inputs, TASK, VERSION, self.owner, self.lease_s)


@pytest.fixture
def worker(store: Store) -> Callable[..., Worker]:
    def make(owner: str = "ann", lease_s: float = 60.0) -> Worker:
        return Worker(store, owner, lease_s)

    return make
