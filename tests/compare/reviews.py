"""Scripted reviews: how often a reviewer sends an arm's drafts as they are, edits them and rejects them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from attune.compare.stakes import Array, Truth, values
from attune.desk.ruling import Approve, Reject, Ruling
from attune.desk.score import STEPS
from attune.outcome import Outcome, Place
from attune.store import Input, Item, Store

BINS = STEPS + 1


def taste(approved: float, edited: float) -> Array:
    """How likely each score is: edits leave 8 to 19 twentieths of a draft, the rest is rejected."""
    chances = np.zeros(BINS)
    chances[STEPS], chances[0] = approved, 1 - approved - edited
    chances[8:STEPS] = edited / (STEPS - 8)
    return chances


PLAIN = taste(0.5, 0.25)
"""Half are sent as drafted, a quarter is edited, a quarter rejected."""


def better(by: float) -> Array:
    """Drafts whose mean score is `by` above PLAIN: fewer are edited, and fewer rejected."""
    more = by / float((taste(0.6, 0.2) - PLAIN) @ values(BINS) / 0.1)
    return taste(0.5 + more, 0.25 - more / 2)


def stream(
    a: Array, b: Array, weight: float, reviews: int, each: int, drawn: np.random.Generator
) -> tuple[Array, Array]:
    """The counts of two arms' scores in steps of `each` reviews, of which B has about `weight`."""
    of_b = drawn.random(reviews) < weight
    scores = np.where(of_b, drawn.choice(BINS, reviews, p=b), drawn.choice(BINS, reviews, p=a))
    each_one = np.zeros((2, reviews, BINS))
    each_one[of_b.astype(int), np.arange(reviews), scores] = 1
    steps = each_one.reshape(2, reviews // each, each, BINS).sum(2)
    return steps[0], steps[1]


def first(found: Truth, each: int) -> float:
    """After how many reviews it was found; infinite where it was not."""
    places = np.flatnonzero(found)
    return float((places[0] + 1) * each) if len(places) else np.inf


def settle(store: Store, arms: Sequence[str], chats: int, begin: int = 0) -> None:
    """That many unhappy chats with a draft of twenty words, of each arm in turn, as a run leaves them."""
    keys = [f"{arms[n % len(arms)]}-{n}" for n in range(begin, begin + chats)]
    inputs = [Input(key, f"{key:-<32}", key.encode(), f"chats.jsonl:{key}") for key in keys]
    items = store.admit(inputs, "triage", "v1", "run", 60).items
    store.settle((item, _outcome(item)) for item in items)


def decide(store: Store, tastes: Mapping[str, Array], drawn: np.random.Generator) -> None:
    """A reviewer decides all that waits, by the taste for each item's arm, through the desk's own port."""
    reviews, after = store.reviews, 0
    while lines := reviews.waiting(after=after):
        for line in lines:
            score = int(drawn.choice(BINS, p=tastes[line.arm]))
            reviews.decide(reviews.claim(line.number, "ann", 60), ruling(score), 0)
        after = lines[-1].number


def ruling(score: int) -> Ruling:
    """What a reviewer does who lets `score` twentieths of the draft stand."""
    if score == 0:
        return Reject("wrong tone")
    if score == STEPS:
        return Approve()
    return Approve(" ".join([*_WORDS[:score], *(["other"] * (STEPS - score))]))


_WORDS = [f"word{n}" for n in range(STEPS)]


def _outcome(item: Item) -> Outcome:
    arm = item.key.partition("-")[0]
    chat = {"id": item.key, "user_id": item.key, "language": "en", "turns": []}
    return Outcome(
        Place.REVIEW, item.key, item.digest, "triage", "v1", chat=chat, values={"sentiment": -1},
        draft=" ".join(_WORDS), model="m", arm=arm, prompt_tokens=200, output_tokens=40, total_s=0.5,
    )  # fmt: skip
