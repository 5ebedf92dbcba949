"""Exercises: questions about a chat that can be answered from the chat alone, by reading and copying.

Copying is what summaries and replies are made of, and what a small model learns last. Each exercise has
the form of the product's prompts: the chat first, then a cue.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from attune.chat import Chat, Role, Turn
from attune.excerpt import candidates, sentences
from attune.ground import begins_sentence
from recipes.pocket.document import Document
from recipes.pocket.sources import OURS

MASK = "[…]"
_CODE = re.compile(r"[A-Za-z#]*(?:[A-Za-z][-/])?\d(?:[A-Za-z0-9:./,#-]*[A-Za-z0-9])?")
_MONEY = re.compile(r"[$€£¥₹R]+\$?\s?\d[\d.,]*\d|\d[\d.,]*\s?(?:€|EUR|USD|円|원|reais|dollars|euros?|Rs)")
_NAME = re.compile(r"[^\W\d_][\w'’-]*")
_WIDE = "\u2e80"
"""From here on signs are of scripts that write no spaces, or syllables: any place is as good as another."""
_SIGNS = "abcdefghijklmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789-"
_NO_REPLIES = ("eltec_novels", OURS)
"""Novels have no agents, and ours are often the reason why the customer is unhappy."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """A cue put after a chat, and its answer."""

    chat: Chat
    cue: str
    answer: str


Maker = Callable[[Document, random.Random], Exercise | None]


def codes(document: Document, rng: random.Random) -> Exercise | None:
    """Repeat the numbers, dates and codes of the chat, in order."""
    found = list(dict.fromkeys(_CODE.findall(_said(document.chat))))[:6]
    cue = rng.choice(("List the numbers.", "Which numbers are in the chat?", "Repeat the order number."))
    if not found or (cue.startswith("Repeat") and len(found) > 1):
        return None
    return Exercise(document.chat, cue, ", ".join(found))


def money(document: Document, rng: random.Random) -> Exercise | None:
    found = list(dict.fromkeys(_MONEY.findall(_said(document.chat))))[:4]
    cue = rng.choice(("Which amounts are named?", "How much money is it about?"))
    return Exercise(document.chat, cue, ", ".join(found)) if found else None


def names(document: Document, rng: random.Random) -> Exercise | None:
    """Words with a capital that begin no sentence: of no use where every noun has one, or no word."""
    if document.language in ("de", "ja", "ko"):
        return None
    said = _said(document.chat)
    words = [match for match in _NAME.finditer(said) if match.group()[0].isupper() and len(match.group()) > 2]
    found = list(
        dict.fromkeys(match.group() for match in words if not begins_sentence(said[: match.start()]))
    )
    cue = rng.choice(("List the names.", "Which names are in the chat?"))
    return Exercise(document.chat, cue, ", ".join(found[:6])) if found else None


def quote(document: Document, rng: random.Random) -> Exercise | None:
    role = rng.choice((Role.CUSTOMER, Role.CUSTOMER, Role.AGENT))
    said = [turn.text for turn in document.turns if turn.role is role]
    if not said:
        return None
    which = rng.choice(("first", "last", "longest"))
    text = {"first": said[0], "last": said[-1], "longest": max(said, key=len)}[which]
    cue = f"Quote the {role}'s {which} message."
    return Exercise(document.chat, cue, _line(text))


def who_said(document: Document, rng: random.Random) -> Exercise | None:
    turn = rng.choice(document.turns)
    sentence = rng.choice(sentences(turn.text))
    others = (other.role for other in document.turns if sentence in other.text)
    if len({turn.role for turn in document.turns}) < 2 or len(set(others)) > 1:
        return None
    return Exercise(document.chat, f"Who said “{sentence}”?", turn.role.capitalize())


def masked(document: Document, rng: random.Random) -> Exercise | None:
    """What was said in the one turn that is left out."""
    turns = list(document.turns)
    if len(turns) < 3:
        return None
    place = rng.randrange(len(turns))
    hidden, turns[place] = turns[place], Turn(turns[place].role, MASK)
    chat = replace(document.chat, turns=tuple(turns))
    return Exercise(chat, rng.choice(("Fill in the gap.", f"What stands for {MASK}?")), _line(hidden.text))


def order(document: Document, rng: random.Random) -> Exercise | None:
    turns = list(document.turns)
    if not 3 <= len(turns) <= 7:
        return None
    right = "\n".join(f"{turn.role.capitalize()}: {_line(turn.text)}" for turn in turns)
    rng.shuffle(turns)
    cue = rng.choice(("Put the messages in order.", "In which order were these said?"))
    return Exercise(replace(document.chat, turns=tuple(turns)), cue, right)


def wanted(document: Document, rng: random.Random) -> Exercise | None:
    """The customer's first sentence that tells something, as the product's excerpts understand that."""
    found = candidates(document.chat, 200, 1, Role.CUSTOMER, 1)
    cue = rng.choice(("What did the customer want?", "Why did the customer write?", "What is it about?"))
    return Exercise(document.chat, cue, found[0]) if found else None


def go_on(document: Document, rng: random.Random) -> Exercise | None:
    """The rest of a message whose first words are given."""
    text = _line(rng.choice(document.turns).text)
    if len(text) < 20:
        return None
    at = rng.randint(6, min(40, len(text) // 2))
    while at < len(text) and text[at].isalnum() and text[at] < _WIDE:
        at += 1
    begun, rest = text[:at].rstrip(), text[at:].strip()
    return Exercise(document.chat, f"Continue: “{begun}”", rest) if rest else None


def find(document: Document, rng: random.Random) -> Exercise | None:
    """The sentence with a word that occurs once."""
    said = [(turn, sentence) for turn in document.turns for sentence in sentences(turn.text)]
    _, sentence = rng.choice(said)
    words = [word for word in re.findall(r"\w{3,}", sentence) if _said(document.chat).count(word) == 1]
    if not words:
        return None
    word = rng.choice(words)
    cue = rng.choice((f"Which sentence has “{word}” in it?", f"What was said about “{word}”?"))
    return Exercise(document.chat, cue, sentence)


def copied(document: Document, rng: random.Random) -> Exercise | None:
    """Words of the chat in random order, and codes that occur nowhere: there is nothing to guess."""
    words = [word for turn in document.turns for word in turn.text.split()]
    rng.shuffle(words)
    invented = ("".join(rng.choices(_SIGNS, k=rng.randint(3, 10))) for _ in range(rng.randint(1, 5)))
    mixed = [word[:20] for word in words[: rng.randint(2, 25)]] + list(invented)
    rng.shuffle(mixed)
    chat = replace(document.chat, turns=(Turn(Role.CUSTOMER, " ".join(mixed)),))
    return Exercise(chat, rng.choice(("Repeat the text.", "Copy it word for word.")), " ".join(mixed))


def replied(document: Document, rng: random.Random) -> Exercise | None:
    """What the agent said next, asked for as the product asks for a reply."""
    at = [index for index, turn in enumerate(document.turns) if turn.role is Role.AGENT and index]
    if not at or document.source in _NO_REPLIES:
        return None
    end = rng.choice(at)
    chat = replace(document.chat, turns=document.turns[:end])
    return Exercise(chat, "Reply to the customer.", _line(document.turns[end].text))


def judged(document: Document, _: random.Random) -> Exercise | None:
    """A review's feeling and its own words, asked for and answered in the form of the product's triage."""
    if document.sentiment is None:
        return None
    said = candidates(document.chat, 200, 2, Role.CUSTOMER, 1)
    verdict = {"sentiment": document.sentiment, "summary": said[0] if said else ""}
    return Exercise(document.chat, "Triage this chat.", json.dumps(verdict, ensure_ascii=False))


def topic(document: Document, _: random.Random) -> Exercise | None:
    return Exercise(document.chat, "Name the topic.", document.topic) if document.topic else None


def summary(document: Document, _: random.Random) -> Exercise | None:
    return Exercise(document.chat, "Summarise this chat.", document.summary) if document.summary else None


LABELLED: tuple[Maker, ...] = (judged, topic, summary)
"""Asked wherever a document has such a label."""
EXERCISES: dict[Maker, float] = {
    codes: 10,
    money: 4,
    names: 5,
    quote: 16,
    who_said: 5,
    masked: 5,
    order: 6,
    wanted: 8,
    go_on: 14,
    find: 12,
    copied: 8,
    replied: 8,
}
"""How often each is asked of all other chats, to be read as parts of a whole."""


def make(document: Document, rng: random.Random) -> Exercise | None:
    """An exercise about a document that is a chat; None where the one that was drawn has no answer in it."""
    labelled = [made for maker in LABELLED if (made := maker(document, rng))]
    if labelled and rng.random() < 0.8:
        return rng.choice(labelled)
    (maker,) = rng.choices(list(EXERCISES), list(EXERCISES.values()))
    return maker(document, rng)


def cut(document: Document, chars: int, rng: random.Random) -> Document:
    """A run of turns of at most `chars` characters, from anywhere in the chat."""
    start = rng.randrange(len(document.turns)) if document.chars > chars else 0
    kept: list[Turn] = []
    for turn in document.turns[start:]:
        chars -= len(turn.text)
        if chars < 0 and kept:
            break
        kept.append(turn)
    return replace(document, turns=tuple(kept))


def _said(chat: Chat) -> str:
    return "\n".join(turn.text for turn in chat.turns)


def _line(text: str) -> str:
    return " ".join(text.split())
