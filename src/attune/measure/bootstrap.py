"""The bootstrap: how sure a figure is, from the same rows drawn anew many times (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from attune.measure.figure import Array, Difference, Figure, Rows, Sample, Scored, number

SEED = 0
_AT_ONCE = 4_000_000
"""Numbers drawn at once: what bounds the memory."""


def sums(sample: Sample, draws: int) -> Array:
    """The sums over as many rows drawn with replacement, `draws` times: shape (draws, columns).

    Rows that occur several times are drawn by their counts, which is the same and costs less.
    """
    rng = np.random.default_rng(SEED)
    if sample.counts.max(initial=1) > 1:
        shares = sample.counts / sample.counts.sum()
        drawn = rng.multinomial(int(sample.counts.sum()), shares, size=draws)
        return np.asarray(drawn @ sample.values)
    parts = [
        _drawn(rng, len(sample.values), size) @ sample.values for size in _chunks(len(sample.values), draws)
    ]
    return np.concatenate(parts)


def figures(field: str, scored: Scored, rows: Rows, draws: int) -> list[Figure]:
    """Every measure of a field over `rows`, with its interval."""
    rows = rows[scored.has_gold[rows]]
    if not len(rows):
        return []
    sample = scored.sample(rows)
    whole, drawn = sample.counts @ sample.values, sums(sample, draws)
    found = []
    for each in scored.measures:
        low, high = interval(each.score(drawn))
        value = number(each.score(whole))
        bounds = (None, None) if value is None else (low, high)
        count = int(each.count(whole)) if each.count else len(rows)
        found.append(Figure(field, each.name, each.unit, value, *bounds, count, each.better, each.group))
    return found


def differences(field: str, one: Scored, other: Scored, rows: Rows, draws: int) -> list[Difference]:
    """The first run less the second, each pair of rows drawn together; without p, which `paired` finds."""
    rows = rows[one.has_gold[rows]]
    if not len(rows):
        return []
    first, second = one.pair(other, rows)
    both = Sample(np.hstack([first.values, second.values]), first.counts)
    columns, drawn, whole = first.values.shape[1], sums(both, draws), both.counts @ both.values
    found = []
    for each in one.measures:
        apart = each.score(drawn[:, :columns]) - each.score(drawn[:, columns:])
        low, high = interval(apart)
        value = number(each.score(whole[:columns]) - each.score(whole[columns:]))
        bounds = (None, None) if value is None else (low, high)
        found.append(
            Difference(field, each.name, each.unit, value, *bounds, None, "", each.better, each.group)
        )
    return found


def interval(drawn: Array) -> tuple[float | None, float | None]:
    """The middle 95 % of the values that are there."""
    there = drawn[~np.isnan(drawn)]
    if not len(there):
        return None, None
    low, high = np.percentile(there, (2.5, 97.5))
    return float(low), float(high)


def _chunks(rows: int, draws: int) -> Iterator[int]:
    most = max(1, _AT_ONCE // rows)
    while draws > 0:
        yield min(most, draws)
        draws -= most


def _drawn(rng: np.random.Generator, rows: int, draws: int) -> Array:
    """How often each row was drawn, shape (draws, rows)."""
    drawn = rng.integers(0, rows, (draws, rows)) + rows * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * rows).reshape(draws, rows).astype(float)
