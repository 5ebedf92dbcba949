"""Deciding: approve, reject, hand over, undo; then on to the next item without a detour."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from attune.desk.refusal import Refused
from attune.desk.ruling import Approve, Reject, Ruling
from attune.pages.asked import Asked
from attune.pages.item import page, seen, view
from attune.pages.typed import Typed
from attune.pages.work import hand as hand_of
from attune.store.desk.lease import Hand, Lease


def approve(asked: Asked) -> Response:
    draft, text = asked.said("draft"), asked.said("text")
    return _decided(asked, Approve(text, draft, asked.said("instruction"), seen(asked)))


def reject(asked: Asked) -> Response:
    reason = asked.said("reason")
    return _decided(
        asked, Reject(reason if reason in asked.desk.settings.reasons else "", asked.said("words"))
    )


def hand(asked: Asked) -> Response:
    """Make the item a colleague's."""
    asked.desk.store.reviews.hand_over(hand_of(asked), asked.said("to"), asked.said("note").strip()[:2000])
    return _next(asked, "x.handed")


def assign(asked: Asked) -> Response:
    """Make the item anybody's, whoever holds it."""
    asked.desk.store.reviews.assign(asked.number, asked.said("to") or None, asked.person)
    return asked.to(f"/items/{asked.number}")


def undo(asked: Asked) -> Response:
    """Take a decision back; the item that came after it, if nothing was typed there, is free again."""
    settings, reviews = asked.desk.settings, asked.desk.store.reviews
    decision = asked.request.path_params["decision"]
    lease = reviews.undo(decision, asked.person, settings.lease_s, settings.undo_s)
    left = asked.said("leave")
    if left.isdecimal() and reviews.saved(int(left), asked.person) is None:
        reviews.give_back(Hand(int(left), asked.person, asked.said("lease")))
    return asked.to(f"/items/{lease.number}", done="x.undone")


def _decided(asked: Asked, ruling: Ruling) -> Response:
    """Decide, and go on. What is refused comes back as the page, with what the person typed."""
    try:
        made = asked.desk.store.reviews.decide(hand_of(asked), ruling, asked.desk.settings.undo_s)
    except Refused as refusal:
        return _kept(asked, ruling, refusal)
    return _next(asked, f"{made.id}.{made.kind}")


def _next(asked: Asked, done: str) -> Response:
    lease = asked.desk.store.reviews.claim_next(asked.person, asked.desk.settings.lease_s, asked.wanted)
    return asked.to("/" if lease is None else f"/items/{lease.number}", done=done)


def _kept(asked: Asked, ruling: Ruling, refusal: Refused) -> Response:
    """The item again, the reason on top, and the person's own words in the editor."""
    item = asked.desk.store.reviews.item(asked.number, asked.person)
    shown = view(asked, item, _own(asked) if item.holder == asked.person else None)
    if isinstance(ruling, Approve):
        version = shown.typed.version
        typed = Typed(ruling.text or "", ruling.draft or item.draft, ruling.instruction, version)
        shown = replace(shown, typed=typed, acknowledged=[str(each) for each in ruling.acknowledged])
    return page(replace(shown, refusal=str(refusal)), 409)


def _own(asked: Asked) -> Lease | None:
    try:
        return asked.desk.store.reviews.claim(asked.number, asked.person, asked.desk.settings.lease_s)
    except Refused:
        return None
