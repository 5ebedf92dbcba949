"""The page of one item: the conversation, what the model made of it, and the reply in an editor."""

from __future__ import annotations

from starlette.responses import Response

from attune.desk.refusal import Refused, StaleReason
from attune.pages.asked import Asked
from attune.pages.item_view import View
from attune.pages.toast import toast
from attune.pages.typed import Typed
from attune.store.desk.item import Item
from attune.store.desk.lease import Hand, Lease


def show(asked: Asked) -> Response:
    """The item: to work on where it is in the person's hands, else to look at."""
    item = asked.desk.store.reviews.item(asked.number, asked.person)
    hand = None
    if item.status == "open" and item.holder == asked.person:
        hand = _again(asked)
    return page(view(asked, item, hand))


def view(asked: Asked, item: Item, hand: Hand | None) -> View:
    """The item with what the person had typed, if they had."""
    saved = asked.desk.store.reviews.saved(item.number, asked.person)
    typed = (
        Typed(item.draft, item.draft) if saved is None else Typed(saved.text, item.draft, "", saved.version)
    )
    return View(asked, item, hand, typed)


def page(shown: View, status: int = 200) -> Response:
    return shown.asked.page("item.html", status=status, item=shown, toast=toast(shown.asked, shown.hand))


def part(shown: View, template: str, status: int = 200) -> Response:
    """A part of the page, for a script."""
    return shown.asked.page(template, status=status, item=shown)


def _again(asked: Asked) -> Lease | None:
    """The person's own claim, for a page that is loaded again; None where it just ended."""
    try:
        return asked.desk.store.reviews.claim(asked.number, asked.person, asked.desk.settings.lease_s)
    except Refused:
        return None


def seen(asked: Asked) -> list[StaleReason]:
    """What the person says to have seen."""
    known = {str(each): each for each in StaleReason}
    return [
        known[each] for each in asked.form.getlist("acknowledged") if isinstance(each, str) and each in known
    ]
