"""Walks: tokens that we take ourselves, one after the other, from logits that the model shows.

`read` is shown the logits after `ids` and adds tokens there; then either the walk is `done`, or the model
is asked what comes after all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from attune.decode.draw import Draw, Row
from attune.decode.number import can_be_number
from attune.errors import BadRequest, EngineError
from attune.request import Number


class Walk(Protocol):
    ids: list[int]
    done: bool

    def read(self, logits: Row) -> None: ...


class ChoiceWalk:
    """Down the tree of the options' tokens: `options` are texts by what they mean, `taken` is one of them."""

    def __init__(self, options: Mapping[str, list[int]], draw: Draw) -> None:
        self._left = dict(options)
        self._draw = draw
        self.ids: list[int] = []
        self.done = False
        self.probability = 1.0
        self._follow()

    @property
    def taken(self) -> str:
        return next(iter(self._left))

    def read(self, logits: Row) -> None:
        token, probability = self._draw.among(logits, self._following())
        self.probability *= probability
        self._take(token)
        self._follow()

    def _follow(self) -> None:
        """Goes on where all options left agree: that needs no logits."""
        while len(self._left) > 1 and len(following := self._following()) == 1:
            self._take(following[0])
        self.done = len(self._left) == 1

    def _take(self, token: int) -> None:
        depth = len(self.ids)
        self._left = {text: ids for text, ids in self._left.items() if ids[depth] == token}
        self.ids.append(token)

    def _following(self) -> list[int]:
        return sorted({ids[len(self.ids)] for ids in self._left.values()})


class NumberWalk:
    """Writes digits, never a token after which no number in range is left; the end of the answer ends it."""

    def __init__(self, slot: Number, numeric: list[tuple[int, str]], end: int, draw: Draw) -> None:
        if slot.low > slot.high or len(slot.end) != 1 or slot.end in "-0123456789 ":
            raise BadRequest(f"{slot.name}: no number {slot.low} to {slot.high} ends with {slot.end!r}.")
        self._slot = slot
        self._tokens = [*numeric, (end, slot.end)]
        self._draw = draw
        self.ids: list[int] = []
        self.text = ""
        self.done = False

    def read(self, logits: Row) -> None:
        fit = {token: text for token, text in self._tokens if can_be_number(self.text + text, self._slot)}
        if not fit:
            raise EngineError(f"{self._slot.name}: the model's vocabulary cannot go on after {self.text!r}.")
        token, _ = self._draw.among(logits, list(fit))
        self.text += fit[token]
        self.ids.append(token)
        self.done = self.text.endswith(self._slot.end)


class FreeWalk:
    """Writes until the end, `most` tokens at most, or until `stopped` says so of the tokens so far."""

    def __init__(
        self, draw: Draw, most: int, end: int, banned: Row, stopped: Callable[[list[int]], bool]
    ) -> None:
        self._draw = draw
        self._most = most
        self._end = end
        self._banned = banned
        self._stopped = stopped
        self.ids: list[int] = []
        self.done = False

    def read(self, logits: Row) -> None:
        token = self._draw.any(logits, self._banned)
        if token == self._end:
            self.done = True
            return
        self.ids.append(token)
        self.done = len(self.ids) >= self._most or self._stopped(self.ids)
