"""Writers: each fills one slot from the logits it is shown, a step at a time.

`start` says what stands before any logits; `read` is shown the logits after what stands and may add
tokens; once `done`, `text` is the slot's text and `settle` makes `ids` the tokens of exactly that text.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np

from attune.engines.openvino.draw import Draw, Row, log_softmax
from attune.engines.openvino.tokens import Tokens
from attune.errors import EngineError
from attune.request import Choice, Number, Pick

MAX_SCORED = 64
"""An option of a Pick is judged by its first 64 tokens at most."""
LENGTH_WEIGHT = 2.0
"""Found on the dev conversations with the pocket model: ROUGE-L of the picked sentences against written
summaries 18.2 with 2, 17.6 with 1, 15.6 with 0 (a random one 17.4), and it reads best."""
MAX_STANDING = 256
"""A slot after a Pick is shown the first 256 tokens of what was picked at most."""
_MOST_CHARS = 16 * MAX_STANDING


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
        while len(following := self._following()) == 1:
            self.ids += following
        self.done = not following
        if self.done:
            self.text = self._left[0][0]

    def read(self, logits: Row) -> None:
        token, probability = self._draw.among(logits, self._following())
        assert self.probability is not None
        self.probability *= probability
        depth = len(self.ids)
        self._left = [(text, ids) for text, ids in self._left if ids[depth] == token]
        self.start()

    def settle(self) -> int:
        return len(self.ids)

    def _following(self) -> list[int]:
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


def can_be_number(text: str, slot: Number) -> bool:
    """Whether `text` is a beginning of, or the whole of, " N" and the end character for an N in range."""
    if not text.startswith(" "):
        return False
    ended = text.endswith(slot.end)
    digits = text[1:].removesuffix(slot.end)
    low, high = (-slot.high, -slot.low) if digits.startswith("-") else (slot.low, slot.high)
    negative, digits = digits.startswith("-"), digits.removeprefix("-")
    low = max(low, 1 if negative else 0)
    if not digits:
        return not ended and (low <= high or (not negative and slot.low < 0))
    if not digits.isdecimal() or (digits[0] == "0" and (len(digits) > 1 or negative)):
        return False
    value = int(digits)
    if ended or value == 0:
        return low <= value <= high
    longer = range(max(0, len(str(max(high, 0))) - len(digits)) + 1)
    return any(value * 10**more <= high and low < (value + 1) * 10**more for more in longer)


class PickWriter:
    """Scores every option as the continuation of what stands.

    A score is the mean log-probability of the option's tokens plus LENGTH_WEIGHT times the logarithm
    of their number: of two texts as likely per token the longer one says more, and the mean alone
    takes the blandest ("Yes, thank you").

    `read` gets the logits for every option's first token; the others' come by `score`, once for each
    option in `waiting`. An option that another one begins with is scored along with it: the first of
    two sentences, along with both.
    """

    def __init__(self, slot: Pick, tokens: Tokens) -> None:
        self._texts = list(dict.fromkeys(slot.options))
        self._options = [tokens.encode(text[:_MOST_CHARS])[:MAX_STANDING] for text in self._texts]
        if not all(self._options) or not self._options:
            raise EngineError(f"{slot.name}: a pick needs options, and each needs a text.")
        self._forks = [ids[:MAX_SCORED] for ids in self._options]
        self._sums = np.zeros(len(self._options))
        self._along = _along(self._forks)
        self._unscored = 0
        self.waiting: deque[int] = deque()
        self.name = slot.name
        self.ids: list[int] = []
        self.text = ""
        self.done = False
        self.finish = "stop"
        self.probability: float | None = None
        self.most = max(map(len, self._options))

    def start(self) -> None:
        if len(self._options) == 1:
            self._take(0)

    def read(self, logits: Row) -> None:
        first = log_softmax(logits)
        self._sums = first[[ids[0] for ids in self._options]].astype(np.float64)
        self.waiting.extend(index for index in sorted(self._along) if len(self._forks[index]) > 1)
        self._unscored = len(self.waiting)
        self._judge()

    def fork(self, option: int) -> list[int]:
        """The tokens to try after what stands: the log-probabilities of all but the first `score` wants."""
        return self._forks[option]

    def score(self, option: int, log_probabilities: Row) -> None:
        """Takes the log-probability of each token of `fork(option)` but the first."""
        for index in self._along[option]:
            others = len(self._forks[index]) - 1
            self._sums[index] += float(log_probabilities[:others].sum(dtype=np.float64))
        self._unscored -= 1
        self._judge()

    def settle(self) -> int:
        return 0

    def _judge(self) -> None:
        if self._unscored == 0:
            lengths = np.array([len(ids) for ids in self._forks])
            self._take(int(np.argmax(self._sums / lengths + LENGTH_WEIGHT * np.log(lengths))))

    def _take(self, option: int) -> None:
        self.ids, self.text = self._options[option], self._texts[option]
        self.done = True


def _along(options: list[list[int]]) -> dict[int, list[int]]:
    """Each option that is the beginning of no other, and with it those that it begins with, itself too."""
    along: dict[int, list[int]] = {}
    for index in sorted(range(len(options)), key=lambda index: -len(options[index])):
        ids = options[index]
        longer = next((other for other in along if options[other][: len(ids)] == ids), index)
        along.setdefault(longer, []).append(index)
    return along
