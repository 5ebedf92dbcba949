"""The intake: chats that come by request go through the store like those of any source."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from attune.errors import EngineError, StoreError
from attune.feed import claimant, identify
from attune.handle import Act, Acts
from attune.limits import Limits
from attune.outcome import Outcome, Place, Reason
from attune.settling import Counts, Watch
from attune.store import Input, Item, Store, StoredOutcome
from attune.stream import Keeper, judge

_REF = "http"
_POLL_S = 0.1
_Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ended:
    """Where a chat ended. `repeated`: it came before, and this is what became of it then."""

    outcome: Outcome | StoredOutcome
    draft: str | None = None
    reason: Reason | None = None
    detail: str = ""
    repeated: bool = False


class Intake:
    """Admits chats durably, handles at most `in_flight` at once, answers each when its outcome is durable.

    An input that is admitted ends in the store whoever waits for it: what was in work when the process was
    killed is in the store's queue. The same input twice at once is handled once. `watch` is called as
    `attune.stream.run` calls it.
    """

    def __init__(self, store: Store, acts: Acts, limits: Limits, watch: Watch) -> None:
        self.counts = Counts()
        self.failures = 0
        """Chats in a row that the engine failed on."""
        self._store, self._acts, self._limits, self._watch = store, acts, limits, watch
        self._owner = uuid.uuid4().hex
        self._open: dict[_Name, Future[Ended]] = {}
        self._unsettled: dict[_Name, tuple[Item, Outcome]] = {}
        self._change = threading.Lock()
        self._pool = ThreadPoolExecutor(limits.in_flight, "attune-chat")
        self._keeper = Keeper(store, self._owner, limits.lease_s)

    def take(self, raws: Sequence[bytes]) -> list[Future[Ended]]:
        """Puts the chats into the store, in one transaction, and promises what becomes of each.

        Raises StoreError when the store takes none of them.
        """
        inputs = [identify(raw, _REF, self._limits.max_chat_bytes) for raw in raws]
        self.settle_left()
        with self._change:
            admitted = self._store.admit(inputs, *self._claimant())
            self.counts.read += len(inputs)
            self.counts.repeated += admitted.repeated
            for item in admitted.items:
                self._open[_name(item)] = self._pool.submit(self._work, item)
            held = {_name(given) for given in admitted.held}
            return [self._promised(given, _name(given) in held) for given in inputs]

    def judge_only(self, raw: bytes, changed: Callable[[Act], Act]) -> Future[Outcome]:
        """What would become of a chat, by its act, `changed`; nothing of it is kept."""
        given = identify(raw, _REF, self._limits.max_chat_bytes)
        parts = (given.key, given.digest, given.raw, given.ref, given.chat)
        item = Item(*parts, id=0, claims=1, conflict=False)
        return self._pool.submit(judge, item, changed(self._acts.act_for(item.key)), self._limits)

    def settle_left(self) -> None:
        """Writes what the store did not take when it was ready. Raises StoreError if it still does not."""
        with self._change:
            left = dict(self._unsettled)
        if left:
            self._store.settle(left.values())
            for name, (_, outcome) in left.items():
                if self._unsettled.pop(name, None):
                    self._count(outcome)

    def close(self) -> None:
        """Finishes what is in work, and gives back what could not be written."""
        self._pool.shutdown(wait=True)
        self._keeper.close()
        self._store.release(self._owner)

    def _promised(self, given: Input, held: bool) -> Future[Ended]:
        """What is in work here, or stands in the store, or is awaited from another process."""
        if (working := self._open.get(_name(given))) is not None:
            return working
        return self._pool.submit(self._await if held else self._known, given)

    def _claimant(self) -> tuple[str, frozenset[str], str, float]:
        return claimant(self._acts, self._owner, self._limits.lease_s)

    def _work(self, item: Item) -> Ended:
        try:
            outcome = judge(item, self._acts.act_for(item.key), self._limits)
            try:
                self._store.settle([(item, outcome)])
            except StoreError:
                with self._change:
                    self._unsettled[_name(item)] = item, outcome
                raise
            self._count(outcome)
        finally:
            with self._change:
                self._open.pop(_name(item), None)
        return Ended(outcome, outcome.draft, outcome.reason, outcome.detail)

    def _count(self, outcome: Outcome) -> None:
        with self._change:
            self.counts.add(outcome)
            self.failures = self.failures + 1 if outcome.engine_failed else 0
            self._watch([outcome], self.counts)

    def _known(self, given: Input) -> Ended:
        outcome = self._store.outcome_of(given, self._acts.main.task.name, self._acts.versions)
        if outcome is None:
            raise StoreError(f"the chat {given.key} is not settled yet: ask again")
        return self._told(outcome)

    def _told(self, outcome: StoredOutcome) -> Ended:
        if outcome.place is Place.REVIEW:
            review = self._store.review(outcome.key, outcome.task, outcome.task_version)
            return Ended(outcome, draft=review.draft if review else None, repeated=True)
        letter = self._store.dead_letter(outcome.key) if outcome.place is Place.DEAD else None
        if letter is None:
            return Ended(outcome, repeated=True)
        return Ended(outcome, reason=letter.reason, detail=letter.detail, repeated=True)

    def _await(self, given: Input) -> Ended:
        """Waits for the process that has the input; if that one dies, the input is taken over."""
        until = time.monotonic() + self._acts.main.timeout_s
        while time.monotonic() < until:
            time.sleep(_POLL_S)
            admitted = self._store.admit([given], *self._claimant())
            if admitted.items:
                return self._work(admitted.items[0])
            if admitted.repeated:
                with self._change:
                    self.counts.repeated += 1
                return self._known(given)
        raise EngineError(f"the chat {given.key} is in another process's hands, and it does not end there")


def _name(given: Input) -> _Name:
    return given.key, given.digest
