"""What the pages of a desk share."""

from __future__ import annotations

import time

from attune.pages.drafting import Drafting
from attune.pages.settings import Settings
from attune.store import Store
from attune.store.desk.reviews import Reviews


class Pulse:
    """The store's change number and the count of open items, asked for at most twice a second however many
    pages follow them."""

    EVERY_S = 0.5

    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews
        self._until = 0.0
        self._change = -1
        self._open = 0

    @property
    def change(self) -> int:
        self._look()
        return self._change

    @property
    def open(self) -> int:
        self._look()
        return self._open

    def _look(self) -> None:
        if time.monotonic() < self._until:
            return
        # Before the store is asked: of many threads one asks, and the others take what it found last.
        self._until = time.monotonic() + self.EVERY_S
        change = self._reviews.change()
        if change != self._change:
            self._open = self._reviews.waits("").open
            self._change = change


class Desk:
    """A store's desk, the model that drafts, and the settings."""

    def __init__(self, store: Store, drafting: Drafting, settings: Settings) -> None:
        self.store = store
        self.drafting = drafting
        self.settings = settings
        self.pulse = Pulse(store.reviews)
