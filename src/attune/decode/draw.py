"""How a token is taken from logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from attune.request import Sampling

Row = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Scores = TypeVar("Scores", npt.NDArray[np.float32], npt.NDArray[np.float64])

_LEAST = 16.0
"""A token e^-16 times as likely as the likeliest is never drawn, and costs nothing."""
_FEW = 512
"""So many of the likeliest tokens are sorted to find a nucleus, before all of them are."""


class Draw:
    """The draws of one request: the likeliest token at temperature 0, else one by its probability.

    Drawing is by Gumbel noise: each token's own is fixed by the seed, the number of the draw and the
    token, and the best sum wins. So the last bits of the logits, which depend on who else is in the
    batch, decide only where two sums are equal but for them. Without a seed one is taken at random.
    """

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._looks_back = sampling.repetition_penalty != 1 or sampling.no_repeat_ngram_size > 0
        seed = sampling.seed
        self._stream = np.random.default_rng(None if seed is None else seed % 2**64)
        self.stop = sampling.stop
        self.standing: Callable[[], list[int]] = list
        """Gives all tokens of prompt and answer so far; asked only where a rule needs them."""

    def among(self, logits: Row, allowed: list[int]) -> tuple[int, float]:
        """One of the tokens `allowed`, and its probability among them, at temperature 1."""
        scores = logits[allowed].astype(np.float64)
        index = self._index(scores, np.array(allowed))
        return allowed[index], float(np.exp(log_softmax(scores)[index]))

    def any(self, logits: Row, banned: Row, also: Ids | None = None) -> int:
        """One token of the whole vocabulary: none `banned` by minus infinity, unless it is in `also`."""
        greedy = self._sampling.temperature == 0
        if greedy and not self._looks_back and banned[best := int(logits.argmax())] == 0:
            return best  # mostly so: a sum over a large vocabulary costs more than all else here
        scores = logits + banned
        if also is not None:
            scores[also] = logits[also]
        if self._looks_back:
            look_back(scores, self.standing(), self._sampling)
        if greedy:
            return int(scores.argmax())
        likely = kept(scores, self._sampling)
        return int(likely[self._index(scores[likely].astype(np.float64), likely)])

    def _index(self, scores: npt.NDArray[np.float64], ids: Ids) -> int:
        temperature = self._sampling.temperature
        if temperature == 0:
            return int(scores.argmax())
        return int((scores / temperature + self._noise(ids)).argmax())

    def _noise(self, ids: Ids) -> npt.NDArray[np.float64]:
        """Gumbel noise for each token of `ids`: SplitMix64 of the token and the draw's own key."""
        key = self._stream.integers(2**64, dtype=np.uint64)
        mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        return -np.log(-np.log(uniform))


def look_back(scores: Row, standing: list[int], sampling: Sampling) -> None:
    """Changes `scores` by the rules on tokens that stand already: the penalty, then the ban of n-grams."""
    ids = np.array(standing, np.int64)
    if sampling.repetition_penalty != 1:
        seen = scores[ids]
        penalty = np.float32(sampling.repetition_penalty)
        scores[ids] = np.where(seen < 0, seen * penalty, seen / penalty)
    if sampling.no_repeat_ngram_size:
        again = _repeats(ids, sampling.no_repeat_ngram_size)
        before = scores[again]
        scores[again] = -np.inf
        if not np.isfinite(scores.max()):
            scores[again] = before


def _repeats(ids: Ids, size: int) -> Ids:
    """The tokens that would end a run of `size` tokens that is in `ids` already."""
    count = len(ids) - size + 1
    if count < 1:
        return ids[:0]
    same = np.ones(count, np.bool_)
    for offset in range(size - 1):
        same &= ids[offset : offset + count] == ids[count + offset]
    return ids[size - 1 :][same]


def kept(scores: Row, sampling: Sampling) -> Ids:
    """The tokens that `top_k`, `top_p` and `min_p` leave to be drawn, in order of their ids."""
    temperature, best = sampling.temperature, scores.max()
    likely = np.flatnonzero(scores >= best - _LEAST * temperature)
    if 0 < sampling.top_k < len(likely):
        some = scores[likely]
        likely = likely[some >= np.partition(some, -sampling.top_k)[-sampling.top_k]]
    if sampling.top_p < 1:
        everyone = scores[likely] if sampling.top_k else scores
        whole = np.exp((everyone - best) / temperature).sum(dtype=np.float64)
        weights = np.exp((scores[likely] - best) / temperature, dtype=np.float64)
        likely = _nucleus(likely, weights / whole, sampling.top_p)
    if sampling.min_p > 0:
        likely = likely[scores[likely] >= best + np.log(sampling.min_p) * temperature]
    return likely


def _nucleus(ids: Ids, probabilities: npt.NDArray[np.float64], mass: float) -> Ids:
    """The fewest of `ids` whose probabilities reach `mass`, the likeliest first."""
    for most in (_FEW, len(ids)):
        few = np.argpartition(-probabilities, most)[:most] if most < len(ids) else np.arange(len(ids))
        order = few[np.argsort(-probabilities[few], kind="stable")]
        before = np.cumsum(probabilities[order]) - probabilities[order]
        if before[-1] >= mass or len(few) == len(ids):
            break
    return np.sort(ids[order[before < mass]])


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
