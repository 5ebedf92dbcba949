"""How a token is taken from logits."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from attune.errors import EngineError
from attune.request import Sampling

Row = npt.NDArray[np.float32]
Scores = TypeVar("Scores", npt.NDArray[np.float32], npt.NDArray[np.float64])

_LEAST = 16.0
"""A token e^-16 times as likely as the likeliest is never drawn, and costs nothing."""


class Draw:
    """The draws of one request: the likeliest token at temperature 0, else one by its probability.

    Drawing is by Gumbel noise: each token's own is fixed by the seed, the number of the draw and the
    token, and the best sum wins. So the last bits of the logits, which depend on who else is in the
    batch, decide only where two sums are equal but for them.
    """

    def __init__(self, sampling: Sampling) -> None:
        if not sampling.temperature >= 0:
            raise EngineError(f"A temperature of {sampling.temperature}: it must be 0 or more.")
        self._temperature = sampling.temperature
        self._stream = np.random.default_rng(sampling.seed)

    def among(self, logits: Row, allowed: list[int]) -> tuple[int, float]:
        """One of the tokens `allowed`, and its probability among them, at temperature 1."""
        scores = logits[allowed].astype(np.float64)
        index = self._index(scores, np.array(allowed))
        return allowed[index], float(np.exp(log_softmax(scores)[index]))

    def any(self, logits: Row, banned: Row) -> int:
        """One token of the whole vocabulary, but none whose `banned` is minus infinity."""
        scores = logits + banned
        if self._temperature == 0:
            return int(scores.argmax())
        likely = np.flatnonzero(scores >= scores.max() - _LEAST * self._temperature)
        return int(likely[self._index(scores[likely].astype(np.float64), likely)])

    def _index(self, scores: npt.NDArray[np.float64], ids: npt.NDArray[np.int64]) -> int:
        if self._temperature == 0:
            return int(scores.argmax())
        return int((scores / self._temperature + self._noise(ids)).argmax())

    def _noise(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Gumbel noise for each token of `ids`: SplitMix64 of the token and the draw's own key."""
        key = self._stream.integers(2**64, dtype=np.uint64)
        mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        return -np.log(-np.log(uniform))


def log_softmax(scores: Scores) -> Scores:
    """Logarithms of the softmax over the last axis."""
    shifted: Scores = scores - scores.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


def log_probabilities(logits: Row, tokens: list[int]) -> Row:
    """The log-probability of `tokens[i]` in row i of `logits`, shape [tokens, vocabulary]."""
    top = logits.max(-1, keepdims=True)
    weights = logits - top
    np.exp(weights, out=weights)
    chosen: Row = logits[np.arange(len(tokens)), tokens]
    chosen -= top[:, 0] + np.log(weights.sum(-1))
    return chosen
