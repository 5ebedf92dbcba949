"""The race's section of docs/benchmarks.md and its picture, from what is there of the results."""

from __future__ import annotations

import statistics
from pathlib import Path

from bench import report
from bench.race import chart
from bench.race.chats import FORCED, POCKET, SHAPE
from bench.race.kept import Kept, middle
from bench.race.rivals import AIMS, CHATS, RIVALS, Rival
from bench.race.work import Result

TITLES = {POCKET: "The race: the embedded model", SHAPE: "The race: a Gemma 3 of 270M parameters"}
_HEAD = (
    *("", "chats/s", "attune is", "p50, s", "p99, s", "in flight", "peak memory, GiB"),
    *("first result after, s", "its chat, s", "valid answers", "tokens per chat", "chats"),
)
_ASKED = {
    POCKET: "attune chooses sentiment and excerpts by likelihood, as the embedded model's tasks want it; a "
    "grammar knows the same sentences; without one, the model writes until it ends its turn, and at most as "
    "many tokens as the longest answer has that fits.",
    SHAPE: f"Random weights never end a text: without a grammar every answer has {FORCED} tokens, and none "
    "is valid JSON; with one the summary has 140 characters, which is about as many.",
}

_NOTES = """A closed loop: so many chats as stand under “in flight” are being answered at any time, and the
next begins when one has all its answers; a chat's time runs from its beginning. Where an engine takes
batches, it is the time of the batches that the chat is in. Fewer chats are spread evenly over the lengths.
Memory is resident, of the program and all it starts, with its loading. The first result is that of one chat
alone, from the program's start: loading and compiling are in it, and in no other figure. Of several
runs, taken in turn with the others, the one of median speed is shown."""


def body(model: str, kept: Kept) -> str:
    told = [rival for rival in RIVALS if kept.results(rival) or kept.reason(rival)]
    parts = [
        f"Up to {CHATS} sample chats of their real lengths: triage for all, a reply for every third. "
        + _ASKED[model],
        report.table(_HEAD, [_row(rival, kept) for rival in told]),
        _NOTES,
        "\n".join(f"- {_setting(rival, kept)}" for rival in told if kept.results(rival)),
    ]
    if aims := _aims(kept):
        parts.append(aims)
    return "\n\n".join(parts)


def write(model: str, kept: Kept) -> None:
    picture = f"race-{model}.svg"
    rows = [(rival.label, middle(results).rate) for rival in RIVALS if (results := kept.results(rival))]
    title = TITLES[model].partition(": ")[2]
    drawn = chart.bars(f"Chats per second, {title}", "", rows)
    (Path(report.PAGE).parent / picture).write_text(drawn, encoding="utf-8")
    text = f"![Chats per second, runner by runner]({picture})\n\n{body(model, kept)}"
    report.write(TITLES[model], "make race", text)


def _row(rival: Rival, kept: Kept) -> tuple[object, ...]:
    results = kept.results(rival)
    if not results:
        return (rival.label, kept.reason(rival).replace("|", "¦"), *[""] * (len(_HEAD) - 2))
    shown = middle(results)
    cuts = statistics.quantiles(shown.each_s, n=100, method="inclusive")
    return (
        rival.label,
        f"{shown.rate:.2f}",
        _times(kept, shown),
        f"{cuts[49]:.2f}",
        f"{cuts[98]:.2f}",
        shown.in_flight,
        f"{shown.peak_bytes / 2**30:.2f}",
        f"{shown.first_result_s:.1f}",
        f"{shown.first_s:.2f}",
        f"{shown.valid / len(shown.answers):.1%}",
        f"{shown.tokens / len(shown.each_s):.0f}",
        len(shown.each_s),
    )


def _times(kept: Kept, other: Result) -> str:
    ours = kept.results(RIVALS[0])
    return f"{middle(ours).rate / other.rate:.1f} ×" if ours else ""


def _setting(rival: Rival, kept: Kept) -> str:
    results = kept.results(rival)
    shown = middle(results)
    rates = [result.rate for result in results]
    spread = f"; {len(rates)} runs of {min(rates):.2f} to {max(rates):.2f} chats/s" if len(rates) > 1 else ""
    return f"{rival.label} {shown.version}: {shown.setting}{spread}"


def _aims(kept: Kept) -> str:
    ours = kept.results(RIVALS[0])
    rows = []
    for rival in RIVALS:
        results = kept.results(rival)
        if rival.name in AIMS and ours and results:
            times = middle(ours).rate / middle(results).rate
            aim = AIMS[rival.name]
            rows.append((rival.label, f"{aim:g} ×", f"{times:.1f} ×", "yes" if times >= aim else "no"))
    return report.table(("attune beside", "aim, at least", "measured", "met"), rows) if rows else ""
