"""The writer of a pick: it scores options and takes the best."""

from __future__ import annotations

from collections import deque

import numpy as np

from attune.decode.draw import Row, log_softmax
from attune.engines.paged.tokens import Tokens
from attune.errors import EngineError
from attune.request import Pick

MAX_SCORED = 64
"""An option of a Pick is judged by its first 64 tokens at most."""
LENGTH_WEIGHT = 2.0
"""Found on the dev conversations with the pocket model: ROUGE-L of the picked sentences against written
summaries 18.2 with 2, 17.6 with 1, 15.6 with 0 (a random one 17.4), and it reads best."""
MAX_STANDING = 256
"""A slot after a Pick is shown the first 256 tokens of what was picked at most."""
_MOST_CHARS = 16 * MAX_STANDING


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
