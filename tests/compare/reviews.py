"""Scripted reviews: how often a reviewer sends an arm's drafts as they are, edits them and rejects them."""

from __future__ import annotations

import numpy as np

from attune.compare.stakes import Array, Truth, values
from attune.desk.score import STEPS

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
