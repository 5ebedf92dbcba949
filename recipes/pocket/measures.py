"""Measures: how near a text is to another, how sure a figure is, and what a reply repeats."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W_]+?(?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|\b)"
)


def words(text: str) -> list[str]:
    """Lower-case words; Japanese and Korean by signs, which need no dictionary to be told apart."""
    return _WORD.findall(text.lower())


def rouge(said: str, gold: str, kind: str = "L") -> float:
    """ROUGE-1, -2 or -L as F1 (Lin, 2004): shared words, pairs of words, or the longest run in order."""
    one, other = words(said), words(gold)
    if kind == "L":
        shared, of_one, of_other = _longest(one, other), len(one), len(other)
    else:
        grams = [_grams(each, int(kind)) for each in (one, other)]
        shared = sum((grams[0] & grams[1]).values())
        of_one, of_other = sum(grams[0].values()), sum(grams[1].values())
    return 2 * shared / (of_one + of_other) if shared else 0.0


def _grams(each: list[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(each[start : start + size]) for start in range(len(each) - size + 1))


def _longest(one: list[str], other: list[str]) -> int:
    """The length of the longest common subsequence, row by row."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = row
        row = [0]
        for index, candidate in enumerate(other):
            row.append(before[index] + 1 if word == candidate else max(row[index], before[index + 1]))
    return row[-1]


def macro_f1(pairs: Sequence[tuple[int, int]]) -> float:
    """The mean of F1 over the classes that occur, from pairs of gold and guess."""
    scores = []
    for kind in {gold for gold, _ in pairs}:
        hits = sum(gold == guess == kind for gold, guess in pairs)
        scores.append(2 * hits / sum((gold == kind) + (guess == kind) for gold, guess in pairs))
    return sum(scores) / len(scores) if scores else 0.0


def accuracy(pairs: Sequence[tuple[int, int]]) -> float:
    return sum(gold == guess for gold, guess in pairs) / len(pairs) if pairs else 0.0


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def interval(
    values: Sequence[Any], score: Callable[[list[Any]], float], draws: int = 1000
) -> tuple[float, float]:
    """The 95 % bootstrap interval of `score` over `values` (Efron's percentiles), always the same."""
    rng = np.random.default_rng(0)
    found = [
        score([values[index] for index in rng.integers(0, len(values), len(values))]) for _ in range(draws)
    ]
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def repeats(text: str) -> bool:
    """Whether some four words in a row stand there twice."""
    return any(times > 1 for times in _grams(words(text), 4).values())
