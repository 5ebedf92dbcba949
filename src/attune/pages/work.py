"""What a person does with an item before they decide: claim it, type, ask the model, correct, rate."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from starlette.responses import Response

from attune.chat import Chat, Role, Turn
from attune.desk.correction import checked
from attune.desk.refusal import Refused, SavedElsewhere, Unknown
from attune.desk.ruling import MAX_CHARS
from attune.errors import AttuneError, Misfit
from attune.pages import words
from attune.pages.asked import Asked
from attune.pages.facts import value_of
from attune.pages.item import page, part, view
from attune.pages.item_view import View
from attune.pages.typed import Typed
from attune.store.desk.item import Item
from attune.store.desk.lease import Hand

_AWAY_S = 15.0
"""How long an item stays with who left its page without a word: a reload comes back in time."""


def claim(asked: Asked) -> Response:
    try:
        asked.desk.store.reviews.claim(asked.number, asked.person, asked.desk.settings.lease_s)
    except Unknown:
        raise
    except Refused as refusal:
        seen = asked.desk.store.reviews.item(asked.number, asked.person)
        return page(replace(_now(asked, seen), refusal=str(refusal)), 409)
    return asked.to(f"/items/{asked.number}")


def renew(asked: Asked) -> Response:
    """Begin the lease anew; the notices as they are now."""
    try:
        asked.desk.store.reviews.renew(hand(asked), asked.desk.settings.lease_s)
    except Refused as refusal:
        return _notices(asked, str(refusal))
    return _notices(asked)


def look(asked: Asked) -> Response:
    """The notices as they are now, for a page that stays open; nothing while nothing happens anywhere."""
    change = str(asked.desk.pulse.change)
    if asked.said("change") == change:
        return Response(status_code=204)
    try:
        asked.desk.store.reviews.check(hand(asked))
    except Refused as refusal:
        return _notices(asked, str(refusal), change)
    return _notices(asked, "", change)


def away(asked: Asked) -> Response:
    """The page was left: keep what was typed, and let the item go soon."""
    if "text" in asked.form:
        with suppress(SavedElsewhere):
            _save(asked)
    asked.desk.store.reviews.renew(hand(asked), min(_AWAY_S, asked.desk.settings.lease_s))
    return Response(status_code=204)


def leave(asked: Asked) -> Response:
    """Give the item back and go to the queue."""
    asked.desk.store.reviews.give_back(hand(asked))
    return asked.to("/")


def save(asked: Asked) -> Response:
    """Keep what was typed, and show what it changes. It needs no lease."""
    draft = asked.said("draft")
    try:
        typed = Typed(asked.said("text"), draft, version=_save(asked))
    except SavedElsewhere as newer:
        typed = Typed(asked.said("text"), draft, version=newer.version, elsewhere=newer.text)
    return asked.page("item_changes.html", typed=typed)


def again(asked: Asked) -> Response:
    """Another draft by the person's instruction; what stood in the editor is kept as it was if none comes."""
    item = _item(asked)
    instruction = " ".join(asked.said("asked").split())
    try:
        draft = asked.desk.drafting.of(item.outcome.arm).again(chat_of(item), instruction)
    except AttuneError as refusal:
        return part(replace(_now(asked, item), drafted_again=str(refusal)), "item_draft.html")
    shown = _now(asked, item)
    typed = replace(shown.typed, text=draft, draft=draft, instruction=instruction)
    return part(replace(shown, typed=typed, drafted_again="Drafted again."), "item_draft.html")


def translate(asked: Asked) -> Response:
    """The conversation in the reviewer's language, beside the original."""
    language = asked.desk.settings.reviewer_language
    spoken = words.language(language)
    said = {
        "language": language,
        "title": f"In {spoken}",
        "told": f"Translated by {asked.desk.drafting.act.engine.model}; the original below counts.",
    }
    try:
        said |= {"text": asked.desk.drafting.translation(chat_of(_item(asked)), spoken), "refused": ""}
    except AttuneError as refusal:
        said |= {"text": "", "refused": str(refusal)}
    return asked.page("translation.html", translation=said)


def rate(asked: Asked) -> Response:
    stars = asked.said("stars")
    asked.desk.store.reviews.rate(asked.number, asked.person, int(stars) if stars.isdecimal() else 0)
    return part(_now(asked), "item_rating.html") if asked.part else asked.to(f"/items/{asked.number}")


def correct(asked: Asked) -> Response:
    """Keep a person's value for a field, beside the model's."""
    item, refused = _item(asked), ""
    task = asked.desk.drafting.act.task
    said = {
        part.name: value_of(part, asked.said(part.name)) for part in task.fields if part.name in asked.form
    }
    try:
        values = {
            name: value
            for name, value in checked(task, said, chat_of(item)).items()
            if value != item.values.get(name)
        }
        if values:
            asked.desk.store.reviews.correct(asked.number, asked.person, values)
    except Misfit as misfit:
        refused = f"That was not kept: {misfit}."
    if not asked.part:
        return page(replace(view(asked, _item(asked), None), refused_fact=refused))
    return part(replace(_now(asked), refused_fact=refused), "item_facts.html")


def hand(asked: Asked) -> Hand:
    """The claim that the form shows."""
    return Hand(asked.number, asked.person, asked.said("lease"))


def chat_of(item: Item) -> Chat:
    chat = item.chat
    turns = tuple(Turn(Role(turn["role"]), turn["text"]) for turn in chat["turns"])
    return Chat(
        chat["id"], chat["user_id"], turns, chat.get("language"), chat.get("channel"), chat.get("subject")
    )


def _item(asked: Asked) -> Item:
    """The item of a page that is open: that it was seen is in the audit already."""
    return asked.desk.store.reviews.glance(asked.number)


def _now(asked: Asked, item: Item | None = None) -> View:
    return view(asked, item or _item(asked), None)


def _notices(asked: Asked, lost: str = "", change: str = "") -> Response:
    """That the chat moved on, or the item is in these hands no more."""
    shown = replace(_now(asked), hand=None if lost else hand(asked), lost=lost, change=change)
    return part(shown, "item_notices.html", 409 if lost else 200)


def _save(asked: Asked) -> int:
    """The version that is kept now. Raises SavedElsewhere, and Refused for a text without end."""
    text, version = asked.said("text"), asked.said("version")
    if len(text) > 10 * MAX_CHARS:
        raise Refused(f"A reply has at most {MAX_CHARS:,} characters; what is longer is not kept.")
    return asked.desk.store.reviews.save(
        asked.number, asked.person, text, int(version) if version.isdecimal() else 0
    )
