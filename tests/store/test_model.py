"""The inbox against a simple model of it: any sequence of calls gives what a dictionary would give."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from attune.outcome import Outcome, Place, Reason
from attune.store import Admitted, Input, Item, Store

# Not to explain a failure: it traces every line, for minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
TASK, VERSION = "triage", "v1"
keys = st.sampled_from(["a", "b", "c"])
words = st.sampled_from(["x", "y"])
owners = st.sampled_from(["ann", "bob"])
leases = st.sampled_from([60.0, -1.0])


@dataclass
class Row:
    turn: int
    given: Input
    id: int | None = None
    """Its row in the store, once that has told; only the order of these numbers is promised."""
    owner: str | None = None
    live: bool = False
    claims: int = 0


class Inbox(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        path = Path(self.folder.name) / "attune.db"
        path.write_bytes(_new_store())
        self.store = Store.open(path)
        self.rows: dict[tuple[str, str], Row] = {}
        self.ended: dict[str, Outcome] = {}
        self.last_turn = 0
        self.hands: list[Item] = []

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(inputs=st.lists(st.tuples(keys, words), max_size=4))
    def enqueue(self, inputs: list[tuple[str, str]]) -> None:
        added = sum(self._appear(key, word) for key, word in inputs)
        done = self.store.enqueue([_input(key, word) for key, word in inputs])
        assert (done.added, done.repeated) == (added, len(inputs) - added)

    @rule(inputs=st.lists(st.tuples(keys, words), max_size=4), owner=owners, lease_s=leases)
    def admit(self, inputs: list[tuple[str, str]], owner: str, lease_s: float) -> None:
        expected: list[Row] = []
        held: list[Input] = []
        wanted = [name for name in dict.fromkeys(inputs) if not self._is_settled(*name)]
        for key, word in wanted:
            self._appear(key, word)
            row = self.rows[key, word]
            if not row.live:
                expected.append(row)
            elif row.owner != owner:
                held.append(row.given)
        expected.sort(key=lambda row: row.turn)
        taken = self.store.admit([_input(*name) for name in inputs], TASK, VERSION, owner, lease_s)
        self._take(taken, expected, owner, lease_s)
        assert taken.held == tuple(held)
        assert taken.repeated == len(inputs) - len(expected) - len(held)

    @rule(n=st.integers(1, 3), owner=owners, lease_s=leases)
    def claim(self, n: int, owner: str, lease_s: float) -> None:
        repeated = 0
        while True:
            free = [row for row in self.rows.values() if not row.live]
            following = sorted(free, key=lambda row: (row.claims, row.turn))[:n]
            settled = [row for row in following if self._is_settled(row.given.key, row.given.digest)]
            for row in settled:
                del self.rows[row.given.key, row.given.digest]
            repeated += len(settled)
            expected = [row for row in following if row not in settled]
            if expected or not following:
                break
        taken = self.store.claim(n, TASK, VERSION, owner, lease_s)
        assert taken.repeated == repeated
        self._take(taken, expected, owner, lease_s)

    @rule(owner=owners, lease_s=leases)
    def renew(self, owner: str, lease_s: float) -> None:
        owned = [row for row in self.rows.values() if row.owner == owner]
        assert self.store.renew(owner, lease_s) == len(owned)
        for row in owned:
            row.live = lease_s > 0

    @rule(owner=owners)
    def release(self, owner: str) -> None:
        owned = [row for row in self.rows.values() if row.owner == owner]
        assert self.store.release(owner) == len(owned)
        for row in owned:
            row.owner, row.live, row.claims = None, False, row.claims - 1

    @rule(place=st.sampled_from(Place), which=st.integers(0, 9), count=st.integers(1, 2))
    def settle(self, place: Place, which: int, count: int) -> None:
        """Any item that was ever handed out, late ones and repeated ones too."""
        items = [self.hands[(which + n) % len(self.hands)] for n in range(count) if self.hands]
        self.store.settle([(item, _outcome(item, place)) for item in items])
        for item in items:
            self._end(item, _outcome(item, place))

    @rule(key=st.sampled_from(["a", "b", "a~x", "b~y"]))
    def replay(self, key: str) -> None:
        outcome = self.ended.get(key)
        is_dead = outcome is not None and outcome.place is Place.DEAD
        assert self.store.replay([key]) == is_dead
        if is_dead:
            del self.ended[key]
            self._appear(key[0], outcome.digest if outcome else "")

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        assert self.store.waiting() == len(self.rows)
        assert {row.key: row.place for row in self.store.outcomes()} == {
            key: outcome.place for key, outcome in self.ended.items()
        }
        assert {letter.key for letter in self.store.dead()} == {
            key for key, outcome in self.ended.items() if outcome.place is Place.DEAD
        }
        status = self.store.status()
        assert status.leased == sum(row.live for row in self.rows.values())

    def _appear(self, key: str, word: str) -> bool:
        if (key, word) in self.rows:
            return False
        self.last_turn += 1
        self.rows[key, word] = Row(self.last_turn, _input(key, word))
        return True

    def _is_settled(self, key: str, word: str) -> bool:
        return any(name in self.ended and self.ended[name].digest == word for name in (key, f"{key}~{word}"))

    def _conflicts(self, row: Row) -> bool:
        key, word = row.given.key, row.given.digest
        used = key in self.ended and self.ended[key].digest != word
        return used or any(other.given.key == key and other.turn < row.turn for other in self.rows.values())

    def _take(self, taken: Admitted, expected: list[Row], owner: str, lease_s: float) -> None:
        assert [(item.key, item.digest, item.claims - 1) for item in taken.items] == [
            (row.given.key, row.given.digest, row.claims) for row in expected
        ]
        for item in taken.items:
            row = self.rows[item.key, item.digest]
            assert item.conflict == self._conflicts(row)
            row.owner, row.live, row.claims = owner, lease_s > 0, row.claims + 1
            row.id = item.id
            self.hands.append(item)

    def _end(self, item: Item, outcome: Outcome) -> None:
        if outcome.key in self.ended and self.ended[outcome.key].digest != item.digest:
            outcome = replace(outcome, key=item.spare_key, place=Place.DEAD)
        self.ended.setdefault(outcome.key, outcome)
        row = self.rows.get((item.key, item.digest))
        if row is not None and row.id == item.id:
            del self.rows[item.key, item.digest]


@cache
def _new_store() -> bytes:
    """The file of an empty store: to copy it costs less than to make one for each example."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "attune.db"
        Store.open(path).close()
        return path.read_bytes()


def _input(key: str, word: str) -> Input:
    return Input(key, word, f"{key} {word}".encode(), "model")


def _outcome(item: Item, place: Place) -> Outcome:
    key = item.spare_key if item.conflict else item.key
    reason = Reason.UNREADABLE_ANSWER if place is Place.DEAD else None
    return Outcome(place, key, item.digest, TASK, VERSION, reason=reason)


TestInbox = Inbox.TestCase
TestInbox.settings = settings(max_examples=30, stateful_step_count=25, deadline=None, phases=PHASES)
