"""Writers: each fills one slot from the logits it is shown, a step at a time.

`start` says what stands before any logits; `read` is shown the logits after what stands and may add
tokens; once `done`, `text` is the slot's text and `settle` makes `ids` the tokens of exactly that text.
"""

from __future__ import annotations

from typing import Protocol

from attune.decode.draw import Draw, Row
from attune.decode.number import can_be_number
from attune.engines.paged.tokens import Tokens
from attune.errors import EngineError
from attune.request import Choice, Number


class Writer(Protocol):
    name: str
    ids: list[int]
    """The slot's tokens so far."""
    text: str
    done: bool
    finish: str
    probability: float | None
    """Of what was taken, where the slot is a choice."""
    most: int
    """The most tokens `ids` ever holds."""

    def start(self) -> None: ...

    def read(self, logits: Row) -> None: ...

    def settle(self) -> int:
        """How many of the tokens that stood in `ids` before still do."""


class ChoiceWriter:
    """Walks down the tree of the options' tokens; where all options left agree, no logits are needed."""

    def __init__(self, slot: Choice, tokens: Tokens, draw: Draw) -> None:
        options = list(dict.fromkeys(slot.options))
        for option in options:
            if any(other.startswith(option) for other in options if other != option):
                raise EngineError(f"{slot.name}: the option {option!r} is the beginning of another one.")
        self._left = [(option, tokens.encode(option)) for option in options]
        if not all(ids for _, ids in self._left):
            raise EngineError(f"{slot.name}: a choice needs options, and each needs a text.")
        self._draw = draw
        self.name = slot.name
        self.ids: list[int] = []
        self.text = ""
        self.done = False
        self.finish = "stop"
        self.probability: float | None = 1.0
        self.most = max(len(ids) for _, ids in self._left)

    def start(self) -> None:
        while len(following := self.following()) == 1:
            self.ids += following
        self.done = not following
        if self.done:
            self.text = self._left[0][0]

    def read(self, logits: Row) -> None:
        token, probability = self._draw.among(logits, self.following())
        assert self.probability is not None
        self.probability *= probability
        depth = len(self.ids)
        self._left = [(text, ids) for text, ids in self._left if ids[depth] == token]
        self.start()

    def settle(self) -> int:
        return len(self.ids)

    def following(self) -> list[int]:
        """The tokens that some option left goes on with."""
        depth = len(self.ids)
        return sorted({ids[depth] for _, ids in self._left if len(ids) > depth})


class NumberWriter:
    """Writes a space, digits and the end character, never a token after which no number in range is left."""

    def __init__(self, slot: Number, tokens: Tokens, draw: Draw) -> None:
        if slot.low > slot.high or len(slot.end) != 1 or slot.end in "-0123456789 ":
            raise EngineError(f"{slot.name}: no number {slot.low} to {slot.high} ends with {slot.end!r}.")
        self._slot = slot
        self._numeric = tokens.numeric(slot.end)
        self._draw = draw
        self.name = slot.name
        self.ids: list[int] = []
        self.text = ""
        self.done = False
        self.finish = "stop"
        self.probability: float | None = None
        self.most = len(f" -{max(abs(slot.low), abs(slot.high))}") + 1

    def start(self) -> None:
        while not self.done and len(allowed := self._allowed()) == 1:
            self._add(next(iter(allowed)))

    def read(self, logits: Row) -> None:
        token, _ = self._draw.among(logits, list(self._allowed()))
        self._add(token)
        self.start()

    def settle(self) -> int:
        return len(self.ids)

    def _allowed(self) -> dict[int, str]:
        fit = {token: piece for token, piece in self._numeric if can_be_number(self.text + piece, self._slot)}
        if not fit:
            raise EngineError(f"{self.name}: the model's vocabulary cannot go on after {self.text!r}.")
        return fit

    def _add(self, token: int) -> None:
        self.text += self._allowed()[token]
        self.ids.append(token)
        self.done = self.text.endswith(self._slot.end)
