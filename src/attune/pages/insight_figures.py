"""The pictures of the insight pages, each from one or two questions to the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from attune.pages import words
from attune.pages.insight_picture import Picture, Row, Series, share
from attune.pages.insight_range import Range
from attune.store.desk.insight import Dimension, Frame, Insight, Measure, Sum

_MOODS = {"-1": Series("Unhappy", "bad"), "0": Series("Neutral", "mid"), "1": Series("Happy", "good")}
_OTHER = Series("Without a feeling", "other")
KINDS = {
    "approved": Series("Sent as drafted", "good"),
    "edited": Series("Sent with edits", "warn"),
    "rejected": Series("Rejected", "bad"),
}
_PERCENTS = tuple(range(5, 100, 5))
_MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class Asking:
    """Which sums the pictures are made of."""

    insight: Insight
    range: Range
    frame: Frame

    def over_time(self, measure: Measure, series: Mapping[str, Series]) -> tuple[Row, ...]:
        """A row for each span, also for those in which nothing was."""
        spans = list(self.range.bins())
        values = [dict.fromkeys(series, 0.0) for _ in spans]
        for each in self.insight.over_time(measure, self.frame):
            found = values[self.range.bin_of(each.group)]
            found[_among(each.value, series)] += each.n
        return tuple(Row(said, tuple(found.values())) for (_, said), found in zip(spans, values, strict=True))

    def by(self, dimension: Dimension, measure: Measure) -> dict[str, list[Sum]]:
        """The sums of each language, channel, …"""
        groups: dict[str, list[Sum]] = {}
        for each in self.insight.by(dimension, measure, self.frame):
            groups.setdefault(each.group, []).append(each)
        return groups


def volume(asking: Asking) -> Picture:
    rows = asking.over_time("chat", _moods())
    totals = [sum(row.values[place] for row in rows) for place in range(4)]
    every = sum(totals)
    told = f"{every:,.0f} chats, {share(totals[0], every)} of them unhappy. A bar is {asking.range.each}."
    return _only_used(Picture("volume", "Chats over time", told, "Time", tuple(_moods().values()), rows))


def feeling(volume: Picture) -> Picture:
    """How many of a hundred customers were unhappy, along time."""
    place = next((n for n, each in enumerate(volume.series) if each.tone == "bad"), None)
    rows = tuple(
        Row(row.label, (100 * row.values[place] / row.total if place is not None and row.total else 0.0,))
        for row in volume.rows
    )
    told = "How many of a hundred chats were unhappy."
    series = (Series("% unhappy", "bad"),)
    return Picture("feeling", "Unhappy customers", told, "Time", series, rows)


def groups(asking: Asking, dimension: Dimension, title: str, name: Callable[[str], str]) -> Picture:
    """Chats by language, channel, …: the most first."""
    found = [
        Row(name(group), _summed(sums, _moods()), (share(_summed(sums, _moods())[0], _n(sums)),))
        for group, sums in asking.by(dimension, "chat").items()
    ]
    rows = _most(found)
    told = f"{words.several(len(found), dimension)}, the most chats first."
    series = tuple(_moods().values())
    made = Picture(
        f"by-{dimension}", title, told, dimension.capitalize(), series, rows, "bars", ("Share unhappy",)
    )
    return _only_used(made)


def waiting(asking: Asking) -> Picture:
    """How many of a hundred drafts were taken up, and decided, within which time."""
    claim = asking.insight.waiting_s("claim_s", asking.frame, _PERCENTS)
    decide = asking.insight.waiting_s("decide_s", asking.frame, _PERCENTS)
    rows = tuple(
        Row(f"{at} %", (claim.get(at, 0.0), decide.get(at, 0.0)),
            (words.span(claim.get(at, 0.0)), words.span(decide.get(at, 0.0))))
        for at in _PERCENTS if claim or decide
    )  # fmt: skip
    told = ""
    if decide:
        told = (
            f"Half are decided within {words.span(decide[50])}, nine of ten within {words.span(decide[90])}."
        )
    series = (Series("Seconds to the first claim", "mid"), Series("Seconds to the decision", "accent"))
    notes = ("Taken up within", "Decided within")
    return Picture("waiting", "Waiting time", told, "Of all drafts", series, rows, "curve", notes)


def decisions(asking: Asking) -> Picture:
    rows = asking.over_time("decision", KINDS)
    totals = [sum(row.values[place] for row in rows) for place in range(3)]
    every = sum(totals)
    told = (
        f"{share(totals[0], every)} of {every:,.0f} were sent as drafted, {share(totals[1], every)} edited."
    )
    series = tuple(KINDS.values())
    return Picture("decisions", "Decisions over time", told if every else "", "Time", series, rows)


def models(asking: Asking) -> Picture:
    """How the drafts of each model fared."""
    rated = asking.by("model", "rating")
    rows = [
        Row(group or "not known", _summed(sums, KINDS), (*_fate(sums), _mean_stars(rated.get(group, ()))))
        for group, sums in asking.by("model", "decision").items()
    ]
    notes = ("Share as drafted", "Share edited", "Words changed in an edit", "Rating")
    told = "What became of each model's drafts."
    series = tuple(KINDS.values())
    return Picture("models", "Models", told, "Model", series, _most(rows), "bars", notes)


def reasons(asking: Asking) -> Picture:
    counts = _by_value(asking.insight.by("task", "reason", asking.frame))
    every = sum(counts.values())
    rows = [Row(reason or "no reason given", (n,), (share(n, every),)) for reason, n in counts.items() if n]
    told = "Why drafts were rejected, the most frequent first."
    series = (Series("Rejected", "bad"),)
    return Picture("reasons", "Rejections", told, "Reason", series, _most(rows), "bars", ("Share",))


def ratings(asking: Asking) -> Picture:
    sums = asking.insight.by("task", "rating", asking.frame)
    counts = _by_value(sums)
    every = sum(counts.values())
    rows = tuple(
        Row(
            words.several(stars, "star"),
            (counts.get(str(stars), 0),),
            (share(counts.get(str(stars), 0), every),),
        )
        for stars in range(5, 0, -1)
    )
    told = f"{_mean_stars(sums)} of 5 stars on average, {words.several(every, 'rating')}." if every else ""
    series = (Series("Ratings", "accent"),)
    return Picture("ratings", "Ratings", told, "Stars", series, rows, "bars", ("Share",))


def codes(insight: Insight, frame: Frame, dimension: Dimension) -> list[str]:
    """What there is to filter by: of the same time, whatever else is chosen."""
    plain = replace(frame, task=None, language=None, channel=None, model=None, arm=None)
    return sorted({each.group for each in insight.by(dimension, "chat", plain) if each.group})


def _moods() -> dict[str, Series]:
    return {**_MOODS, "": _OTHER}


def _among(value: str, series: Mapping[str, Series]) -> str:
    return value if value in series else list(series)[-1]


def _summed(sums: Iterable[Sum], series: Mapping[str, Series]) -> tuple[float, ...]:
    found = dict.fromkeys(series, 0.0)
    for each in sums:
        found[_among(each.value, series)] += each.n
    return tuple(found.values())


def _n(sums: Iterable[Sum]) -> int:
    return sum(each.n for each in sums)


def _by_value(sums: Iterable[Sum]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in sums:
        counts[each.value] = counts.get(each.value, 0) + each.n
    return counts


def _fate(sums: Sequence[Sum]) -> tuple[str, str, str]:
    """The shares that were sent as drafted, and edited, and how much an edit changed."""
    every = _n(sums)
    edits = [each for each in sums if each.value == "edited"]
    changed = sum(each.total for each in edits) / _n(edits) if _n(edits) else None
    approved = sum(each.n for each in sums if each.value == "approved")
    return share(approved, every), share(_n(edits), every), "–" if changed is None else f"{changed:,.1f}"


def _mean_stars(sums: Iterable[Sum]) -> str:
    counts = _by_value(sums)
    every = sum(counts.values())
    return f"{sum(int(stars) * n for stars, n in counts.items()) / every:.1f}" if every else "–"


def _most(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The largest, and the rest in one."""
    ordered = sorted(rows, key=lambda row: (-row.total, row.label))
    shown, rest = ordered[:_MOST_BARS], ordered[_MOST_BARS:]
    if not rest:
        return tuple(shown)
    values = tuple(sum(each) for each in zip(*(row.values for row in rest), strict=True))
    return (*shown, Row(f"{len(rest)} others", values, ("–",) * len(rest[0].notes)))


def _only_used(picture: Picture) -> Picture:
    """Without chats of tasks that have no feeling, where there are none."""
    if not picture.series or picture.totals[-1]:
        return picture
    rows = tuple(replace(row, values=row.values[:-1]) for row in picture.rows)
    return replace(picture, series=picture.series[:-1], rows=rows)
