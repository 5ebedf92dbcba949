"""What the templates of an item show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from attune.desk.difference import Change
from attune.desk.refusal import IN_WORDS
from attune.desk.roles import Right, may
from attune.pages import words
from attune.pages.asked import Asked
from attune.pages.facts import Facts, facts
from attune.pages.settings import Phrase
from attune.pages.typed import Typed
from attune.store.desk.decide import Decision
from attune.store.desk.item import Item
from attune.store.desk.lease import Hand


class Fact(NamedTuple):
    text: str
    symbol: str
    title: str


class Turn(NamedTuple):
    role: str
    who: str
    text: str


class StaleView(NamedTuple):
    value: str
    words: str
    seen: bool


class DecisionView(NamedTuple):
    told: str
    decided_at: float
    reason: str
    words: str


class Note(NamedTuple):
    title: str
    text: str


@dataclass(frozen=True)
class View:
    """An item as `asked` sees it."""

    asked: Asked
    item: Item
    hand: Hand | None
    """None: the person only looks at it."""
    typed: Typed
    refusal: str = ""
    refused_fact: str = ""
    acknowledged: Collection[str] = ()
    drafted_again: str = ""
    lost: str = ""
    """Who has the item meanwhile, where a page that is open asks for news of it."""
    change: str = ""
    """The store's change number before the item was read for such a page."""

    @property
    def number(self) -> int:
        return self.item.number

    @property
    def name(self) -> str:
        return f"Customer {self.item.outcome.user_id or self.item.outcome.key}"[:80]

    @property
    def customer(self) -> str:
        """The customer's id; "" where it is not known."""
        return self.item.outcome.user_id or ""

    @property
    def path(self) -> str:
        return f"{self.asked.root}/items/{self.number}"

    @property
    def search(self) -> str:
        return self.asked.search

    @property
    def language(self) -> str:
        """As an attribute of the page has it."""
        return words.tag(self.item.outcome.language)

    @property
    def subject(self) -> str:
        return str(self.item.chat.get("subject") or "")

    @property
    def turns(self) -> list[Turn]:
        return [Turn(each["role"], words.WHO[each["role"]], each["text"]) for each in self.item.chat["turns"]]

    @property
    def waits_s(self) -> float | None:
        """How long it has waited; None once it is decided."""
        if self.item.status != "open":
            return None
        return max(0.0, self.asked.now - self.item.outcome.created_at)

    @property
    def target_s(self) -> float:
        return self.asked.desk.settings.target_s

    @property
    def facts(self) -> list[Fact]:
        outcome = self.item.outcome
        told = [Fact(words.language(outcome.language), "globe", "The customer's language")]
        if outcome.channel:
            told.append(Fact(outcome.channel, "inbox", "The channel"))
        told.append(Fact(outcome.model[:40] or "no model", "info", f"The model, by the task {outcome.task}"))
        if outcome.arm:
            told.append(Fact(f"arm {outcome.arm}"[:40], "chart", "The arm that handled the chat"))
        return [*told, Fact(f"chat {outcome.key}"[:48], "list", f"Chat {outcome.key}")]

    @cached_property
    def read(self) -> Facts:
        return facts(self.item, self.asked.desk.drafting.act.task)

    @property
    def flags(self) -> list[str]:
        return [words.flag(each) for each in self.item.outcome.flags]

    @property
    def note(self) -> Note | None:
        """What a colleague said who handed the item over."""
        if not self.item.note:
            return None
        return Note("A note with this item", self.item.note)

    @property
    def stale(self) -> list[StaleView]:
        return [StaleView(each, IN_WORDS[each], each in self.acknowledged) for each in self.item.stale]

    @property
    def draft(self) -> str:
        return self.typed.draft

    @property
    def diff(self) -> list[Change]:
        """What was changed: so far, or in what went out."""
        made = self.item.decision
        if made is not None:
            return Typed(made.text, made.draft).diff if made.text else []
        return self.typed.diff

    @property
    def phrases(self) -> list[Phrase]:
        """The set phrases for the chat's language, and those for any."""
        mine = (self.language.partition("-")[0], "")
        return [each for each in self.asked.desk.settings.phrases if each.language in mine]

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.asked.desk.settings.reasons

    @property
    def colleagues(self) -> list[tuple[str, str]]:
        everyone = self.asked.desk.store.users.all()
        others = [each for each in everyone if each.name != self.asked.person and not each.disabled_at]
        return [(each.name, f"{each.name} ({each.role})") for each in others]

    @property
    def stars(self) -> int:
        return self.item.ratings.get(self.asked.person, 0)

    @property
    def decision(self) -> DecisionView | None:
        return None if self.item.decision is None else _decision(self.item.decision)

    @property
    def kept(self) -> str:
        """What the person typed before they lost the item."""
        return self.typed.text if self.typed.version or self.typed.edited else ""

    @property
    def can_claim(self) -> bool:
        mine = self.item.assignee in (None, self.asked.person)
        return self.item.status == "open" and self.item.holder in (None, self.asked.person) and mine

    @property
    def can_assign(self) -> bool:
        assert self.asked.who is not None
        return self.item.status == "open" and may(self.asked.who.role, Right.ASSIGN)

    @property
    def can_draft(self) -> bool:
        return self.asked.desk.drafting.of(self.item.outcome.arm).writes

    @property
    def can_translate(self) -> bool:
        here = self.asked.desk.settings.reviewer_language
        return self.asked.desk.drafting.translates and self.language.partition("-")[0] != here

    @property
    def renew_s(self) -> float:
        """How often a page renews the lease while the person works."""
        return min(60.0, self.asked.desk.settings.lease_s / 4)


def _decision(made: Decision) -> DecisionView:
    how = {"approved": "approved this draft as it was.", "edited": "approved this with edits.",
           "rejected": "rejected this draft."}[made.kind]  # fmt: skip
    return DecisionView(f"{made.person} {how}", made.decided_at, made.reason, made.words)
