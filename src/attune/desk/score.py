"""The score of a draft: how much of it a person let stand. What arms are compared by."""

from __future__ import annotations

STEPS = 20
"""Scores are in twentieths, so that a few sums hold all of them."""


def changed(distance: int, units: int) -> int:
    """How much of a draft an edit changed, in twentieths, rounded up: `distance` of `units` words.

    The score is what is left of 20: all of it for a draft that was sent as it is, none for one that was
    rejected, for an edit of as many words as the draft had or more, and where there was no draft.
    """
    return min(STEPS, -(-STEPS * distance // max(1, units)))
