"""Decisions: one stands for each item, and an approved reply is in the outbox as soon as it is decided."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, null, select, update

from attune.desk.refusal import GoneOut, Stale, Unknown
from attune.desk.ruling import Approve, Judged, Kind, Reject, Ruling, judge
from attune.desk.score import changed
from attune.store.desk import audit, sorts, stale, tally
from attune.store.desk.lease import Hand, Lease, held, lost
from attune.store.desk.queue import OPEN
from attune.store.desk.schema import decisions, outbox, working_drafts
from attune.store.desk.tally import About, Count
from attune.store.desk.working import keep
from attune.store.schema import now, outcomes, reviews

_STATUS = {Kind.APPROVED: "approved", Kind.EDITED: "approved", Kind.REJECTED: "rejected"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided: `id` is the key under which the reply goes out. Times are in seconds."""

    id: str
    number: int
    person: str
    kind: Kind
    draft: str
    """What the model wrote."""
    instruction: str
    text: str
    """What goes out; "" for a rejection."""
    reason: str
    words: str
    distance: int
    """How many of the draft's `units`, words or characters without spaces, were changed."""
    units: int
    waited_s: float
    """From the draft to the first claim."""
    worked_s: float
    """From the first claim to the decision."""
    decided_at: float
    undone_at: float | None


COLUMNS = tuple(decisions.c[name] for name in Decision.__dataclass_fields__)


def decide(connection: Connection, hand: Hand, ruling: Ruling, undo_s: float) -> Decision:
    """Decide an item once: the same claim again gets the same decision, whatever it says."""
    before = _of_claim(connection, hand)
    if before is not None:
        return before
    item = _item(connection, held(hand))
    if item is None:
        # Another window may have been first, while this one waited for the row.
        return _of_claim(connection, hand) or lost(connection, hand.number)
    judged = judge(ruling, item.draft)
    moved = stale.reasons(connection, item)
    if isinstance(ruling, Approve) and not set(moved) <= set(ruling.acknowledged):
        raise Stale(moved)
    made = _write(connection, hand, ruling, judged, item)
    closed = update(reviews).where(reviews.c.number == hand.number)
    connection.execute(closed.values(status=_STATUS[judged.kind], lease_until=0.0))
    sorts.count(connection, [sorts.sort_of(item._asdict())], -1)
    if made.kind is not Kind.REJECTED:
        _send(connection, made, item, undo_s)
    connection.execute(_own_draft(hand.number, hand.person))
    tally.add(connection, _about(item), _counts(made, 1))
    told = {"decision": made.id, "reason": made.reason, "distance": made.distance, "stale": list(moved)}
    audit.note(connection, hand.person, made.kind, audit.chat(hand.number), **told, text=made.text)
    return made


def undo(connection: Connection, key: str, person: str, lease_s: float, undo_s: float) -> Lease:
    """Take a decision back into the person's hands, unless it has gone out."""
    found = select(*COLUMNS).where(decisions.c.id == key, decisions.c.person == person).with_for_update()
    row = connection.execute(found).one_or_none()
    if row is None:
        raise Unknown("There is no such decision of yours.")
    made = decision(row)
    if made.undone_at is not None or not _recalled(connection, made, undo_s):
        raise GoneOut
    undone = update(decisions).where(decisions.c.id == key)
    connection.execute(undone.values(undone_at=now()))
    token = uuid.uuid4().hex
    again = {"status": OPEN, "holder": person, "lease": token, "lease_until": now() + lease_s}
    opened = update(reviews).where(reviews.c.number == made.number).values(again)
    until = connection.execute(opened.returning(reviews.c.lease_until)).scalar_one()
    if made.text:
        keep(connection, made.number, person, made.text)
    item = _item(connection, reviews.c.number == made.number)
    assert item is not None, f"decision {key} has no review"
    sorts.count(connection, [sorts.sort_of(item._asdict())], 1)
    tally.add(connection, _about(item), _counts(made, -1))
    audit.note(connection, person, "undone", audit.chat(made.number), decision=key)
    return Lease(made.number, person, token, until, lease_s)


def decision(row: Row[Any]) -> Decision:
    """The decision in a row of COLUMNS."""
    return Decision(**row._asdict() | {"kind": Kind(row.kind)})


def _of_claim(connection: Connection, hand: Hand) -> Decision | None:
    same = (decisions.c.lease == hand.token, decisions.c.number == hand.number)
    row = connection.execute(select(*COLUMNS).where(*same, decisions.c.person == hand.person)).one_or_none()
    return None if row is None else decision(row)


def _item(connection: Connection, which: ColumnElement[bool]) -> Row[Any] | None:
    """The review with what its outcome says of it, locked."""
    same = [reviews.c[name] == outcomes.c[name] for name in ("key", "task", "task_version")]
    columns = (reviews, outcomes.c.digest, now().label("at"))
    joined = select(*columns).join_from(reviews, outcomes, and_(*same)).where(which)
    return connection.execute(joined.with_for_update(of=reviews)).one_or_none()


def _write(connection: Connection, hand: Hand, ruling: Ruling, judged: Judged, item: Row[Any]) -> Decision:
    values = {
        "id": uuid.uuid4().hex,
        "number": hand.number,
        "lease": hand.token,
        "person": hand.person,
        "kind": judged.kind,
        "draft": judged.draft,
        "text": judged.text,
        **_said(ruling),
        "distance": judged.distance,
        "units": judged.units,
        "waited_s": item.claimed_at - item.created_at,
        "worked_s": item.at - item.claimed_at,
        "decided_at": item.at,
    }
    return decision(connection.execute(decisions.insert().values(values).returning(*COLUMNS)).one())


def _said(ruling: Ruling) -> dict[str, str]:
    if isinstance(ruling, Reject):
        return {"reason": ruling.reason, "words": ruling.words, "instruction": "", "acknowledged": ""}
    known = " ".join(sorted(ruling.acknowledged))
    return {"reason": "", "words": "", "instruction": ruling.instruction, "acknowledged": known}


def _send(connection: Connection, made: Decision, item: Row[Any], undo_s: float) -> None:
    reply = {
        "idempotency_key": made.id,
        "id": item.key,
        "user_id": item.user_id,
        "channel": item.channel,
        "language": item.language,
        "reply": made.text,
        "edited": made.kind is Kind.EDITED,
        "approved_by": made.person,
        "approved_at": made.decided_at,
        "task": item.task,
        "task_version": item.task_version,
    }
    record = {"decision": made.id, "number": made.number, "reply": reply, "state": "waiting"}
    fresh = {"due_at": now() + undo_s, "created_at": now(), "tries": 0, "error": "", "lease_until": 0.0}
    connection.execute(outbox.insert().values(record | fresh | {"owner": null()}))


def _recalled(connection: Connection, made: Decision, undo_s: float) -> bool:
    """Whether the decision could be taken back: its reply is with no sender and never was."""
    if made.kind is Kind.REJECTED:
        late = connection.execute(select(now() - made.decided_at)).scalar_one()
        return bool(late <= undo_s)
    untouched = (outbox.c.state == "waiting", outbox.c.tries == 0, outbox.c.owner.is_(None))
    gone = delete(outbox).where(outbox.c.decision == made.id, *untouched)
    return connection.execute(gone).rowcount == 1


def _own_draft(number: int, person: str) -> Any:
    return delete(working_drafts).where(working_drafts.c.number == number, working_drafts.c.person == person)


def _about(item: Row[Any]) -> About:
    return About(item.task, item.language or "", item.channel or "", item.model, item.arm)


def _counts(made: Decision, n: int) -> list[Count]:
    rejected = [Count("reason", made.reason, made.decided_at, n)] if made.reason else []
    step = str(changed(made.distance, made.units))
    edited = [Count("edit", step, made.decided_at, n)] if made.kind is Kind.EDITED else []
    return [
        Count("decision", made.kind, made.decided_at, n, n * made.distance),
        Count("claim_s", tally.bucket(made.waited_s), made.decided_at, n, n * made.waited_s),
        Count(
            "decide_s",
            tally.bucket(made.waited_s + made.worked_s),
            made.decided_at,
            n,
            n * (made.waited_s + made.worked_s),
        ),
        *rejected,
        *edited,
    ]
