"""Killed at random moments, a training ends with the same bytes: some kills here, 30 by `make kill-tune`."""

from __future__ import annotations

from tests.tune.kill import kill


def test_killed_thrice_it_ends_with_the_same_weights() -> None:
    kill(3, seed=5)
