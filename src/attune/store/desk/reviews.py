"""Review items: the port of the pages to the queue, the claims and the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from attune.desk.ruling import Ruling
from attune.store.database import Database
from attune.store.desk import audit, decide, lease, queue, remark, sorts, working
from attune.store.desk import item as items
from attune.store.desk.decide import Decision
from attune.store.desk.item import Item
from attune.store.desk.lease import Hand, Lease
from attune.store.desk.queue import Waiting, Waits, Wanted
from attune.store.desk.sorts import Sorts
from attune.store.desk.working import WorkingDraft

PAGE = 50
_ALL = Wanted()


class Reviews:
    """The review items of a store. Any thread may call any method; what a person may not do is Refused.

    Everything but looking at the queue is in the audit. `number` names an item, and never changes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, which: Wanted = _ALL, after: int = 0, limit: int = PAGE) -> tuple[Waiting, ...]:
        """A page of the queue, oldest first; the next one is `after` the number of its last line."""
        return self._database.read(partial(queue.page, which=which, after=after, limit=limit))

    def waits(self, person: str, which: Wanted = _ALL) -> Waits:
        """How many items are open, free, held, and `person`'s own."""
        return self._database.read(partial(queue.waits, which=which, person=person))

    def sorts(self) -> Sorts:
        """The languages, channels, models and arms that open items have."""
        return self._database.read(sorts.sorts)

    def change(self) -> int:
        """A number that grows with every chat and every act: poll it, and look again when it is another.

        It does not grow when a lease runs out, which only the clock does.
        """
        return self._database.read(queue.change)

    def item(self, number: int, person: str) -> Item:
        """All about one item, in the audit as seen by `person`. Raises Unknown."""
        self._database.write(partial(_seen, number=number, person=person), durable=False)
        return self.glance(number)

    def glance(self, number: int) -> Item:
        """All about one item as it is now, for who has it open already: not in the audit. Raises Unknown."""
        return self._database.read(partial(items.item, number=number))

    def check(self, hand: Hand) -> None:
        """Raises LeaseLost or Decided, with who has the item, where it is in these hands no more."""
        self._database.read(partial(lease.check, hand=hand))

    def claim(self, number: int, person: str, lease_s: float) -> Lease:
        """Put an item into a person's hands for so long. No two people ever hold the same.

        A person's own claim is given again, so that two windows do not shut each other out. Raises Taken
        where another has it or was handed it, and Decided.
        """
        return self._database.write(
            partial(lease.claim, number=number, person=person, lease_s=lease_s), durable=False
        )

    def claim_next(self, person: str, lease_s: float, which: Wanted = _ALL) -> Lease | None:
        """Claim the oldest that is free, first of those that were handed to the person. None: none is."""
        return self._database.write(
            partial(lease.claim_next, person=person, lease_s=lease_s, which=which), durable=False
        )

    def renew(self, hand: Hand, lease_s: float) -> Lease:
        """Begin a lease anew, also one that ran out while nobody took the item. Raises LeaseLost, Decided."""
        return self._database.write(partial(lease.renew, hand=hand, lease_s=lease_s), durable=False)

    def give_back(self, hand: Hand) -> bool:
        """Free an item for others; False where it was in these hands no more."""
        return self._database.write(partial(lease.give_back, hand=hand))

    def hand_over(self, hand: Hand, to: str, note: str = "") -> None:
        """Make an item a colleague's: only they can claim it then. Raises Refused, LeaseLost, Decided."""
        self._database.write(partial(lease.hand_over, hand=hand, to=to, note=note))

    def assign(self, number: int, to: str | None, person: str, note: str = "") -> None:
        """Make an item `to`'s, or free for all (None), whoever holds it: for leads."""
        self._database.write(partial(lease.assign, number=number, to=to, person=person, note=note))

    def save(self, number: int, person: str, text: str, version: int) -> int:
        """Keep what a person typed, over `version` (0 for the first); the new version.

        It needs no lease and outlives it. Raises SavedElsewhere where another window saved since.
        """
        saving = partial(working.save, number=number, person=person, text=text, version=version)
        return self._database.write(saving)

    def saved(self, number: int, person: str) -> WorkingDraft | None:
        """What the person typed last, until they decide the item."""
        return self._database.read(partial(working.saved, number=number, person=person))

    def decide(self, hand: Hand, ruling: Ruling, undo_s: float) -> Decision:
        """Decide an item: exactly once. An approved reply is in the outbox, due after `undo_s` seconds, when
        this returns.

        The same claim again gets the decision that stands, so a double click decides nothing twice. A
        lease that ran out still decides while nobody took the item up. Raises LeaseLost or Decided, both
        with who has it; Stale where the chat moved on and the ruling does not acknowledge how; Refused.
        """
        return self._database.write(partial(decide.decide, hand=hand, ruling=ruling, undo_s=undo_s))

    def undo(self, decision: str, person: str, lease_s: float, undo_s: float) -> Lease:
        """Take back one's own decision, by its id; the item is in the person's hands again, the text too.

        An approval can be taken back until a sender takes its reply up; a rejection for `undo_s` seconds.
        Raises GoneOut after that.
        """
        undoing = partial(decide.undo, key=decision, person=person, lease_s=lease_s, undo_s=undo_s)
        return self._database.write(undoing)

    def correct(self, number: int, person: str, values: Mapping[str, Any]) -> None:
        """Keep a person's values for fields of any chat (checked by attune.desk.correction) beside the
        model's, which stay."""
        self._database.write(partial(remark.correct, number=number, person=person, values=values))

    def rate(self, number: int, person: str, stars: int) -> None:
        """Keep a person's rating of a chat, 1 to 5; a thumb down is 1, up is 5. Their last one counts."""
        self._database.write(partial(remark.rate, number=number, person=person, stars=stars))


def _seen(connection: Any, number: int, person: str) -> None:
    audit.note(connection, person, "saw", audit.chat(number))
