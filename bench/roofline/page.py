"""docs/roofline.md, and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bench import report
from bench.race import chart
from bench.race.chats import POCKET
from bench.race.kept import Kept, middle
from bench.race.rivals import RIVALS
from bench.roofline import floor
from bench.roofline.peaks import Peaks
from bench.roofline.picture import roofs
from bench.roofline.profile import Profile

PAGE = report.PAGE.parent / "roofline.md"
_NAMES = {POCKET: "the embedded model", "shape": "a Gemma 3 of 270M parameters"}
_MOST_KINDS = 8


@dataclass(frozen=True, slots=True)
class Part:
    """What the page tells of one model."""

    model: floor.Model
    chat: floor.Chat
    profile: Profile
    kept: Kept

    @property
    def phases(self) -> tuple[floor.Phase, floor.Phase]:
        return floor.prefill(self.model, self.chat), floor.decode(self.model, self.chat)

    def floor_s(self, peaks: Peaks) -> float:
        return sum(phase.seconds(peaks) for phase in self.phases)


def write(peaks: Peaks, parts: Mapping[str, Part]) -> None:
    folder = PAGE.parent
    points = [
        (f"{phase.name}, {name}", phase.intensity, phase.operations / phase.seconds(peaks))
        for name, part in parts.items()
        for phase in part.phases
    ]
    drawn = roofs("What this machine could do, and where a chat's two phases stand", peaks, points)
    (folder / "roofline.svg").write_text(drawn, encoding="utf-8")
    for name, part in parts.items():
        bars = chart.bars(f"Times its floor that a chat takes, {_NAMES[name]}", "×", _gaps(part, peaks))
        (folder / f"roofline-{name}.svg").write_text(bars, encoding="utf-8")
    PAGE.write_text(body(peaks, parts), encoding="utf-8")


def body(peaks: Peaks, parts: Mapping[str, Part]) -> str:
    today = datetime.now(UTC).date().isoformat()
    products = ", ".join(f"{speed / 1e9:,.0f} in {name}" for name, speed in peaks.operations.items())
    head = f"""# Roofline

What a chat takes at the least on a machine, and what each runner of [the race](benchmarks.md) takes of that.
`make race`, {today}. {report.machine()}.

A product of two matrices of 2,048 makes these billions of operations a second at its best here: {products};
memory is read at {peaks.bytes / 1e9:.1f} GB/s. PyTorch's own kernels measure both, on all cores.

![The roofs of this machine, and the phases of a chat](roofline.svg)
"""
    return "\n".join([head, *(_section(name, part, peaks) for name, part in parts.items())])


def _section(name: str, part: Part, peaks: Peaks) -> str:
    gaps = report.table(
        ("", "ms a chat", "times the floor"),
        [
            (label, f"{gap * part.floor_s(peaks) * 1e3:.0f}", f"{gap:.1f} ×")
            for label, gap in _gaps(part, peaks)
        ],
    )
    title, together = _NAMES[name], floor.IN_FLIGHT
    alone_s = floor.decode(part.model, part.chat, in_flight=1).seconds(peaks)
    return f"""## {title[0].upper()}{title[1:]}

The mean chat of the race, with {part.chat.questions:.2f} questions, in int8 weights and a 16-bit cache:

{_floors(part, peaks)}

Prefill reads what all chats share once, and of a reply only what its triage has not read; weights are
read once for {floor.STEP_TOKENS:,} tokens. Decode writes every token of the answers one by one,
{together} chats side by side, so that weights are read once for {together} tokens; alone, a chat's decode
would take {alone_s * 1e3:.1f} ms. The floor of a phase is its operations at the peak of int8, or its bytes
at the peak of reading, whichever takes longer; that of a chat is both, {part.floor_s(peaks) * 1e3:.2f} ms.

![How many times its floor a chat takes, runner by runner](roofline-{name}.svg)

{gaps}

{_profile(part)}
"""


def _floors(part: Part, peaks: Peaks) -> str:
    rows = []
    for phase in part.phases:
        operations_s, bytes_s = phase.operations / peaks.operations["int8"], phase.bytes / peaks.bytes
        rows.append(
            (
                phase.name,
                f"{phase.tokens:.0f}",
                f"{phase.operations / 1e9:.2f}",
                f"{phase.bytes / 1e6:.1f}",
                f"{phase.intensity:.0f}",
                f"{operations_s * 1e3:.2f}",
                f"{bytes_s * 1e3:.2f}",
                f"{phase.seconds(peaks, 'bfloat16') * 1e3:.2f}",
            )
        )
    head = ("", "tokens", "GOP", "MB", "OP/byte", "int8, ms", "reading, ms", "floor in bfloat16, ms")
    return report.table(head, rows)


def _gaps(part: Part, peaks: Peaks) -> list[tuple[str, float]]:
    """For each runner, how many times the floor a chat takes at its chats a second."""
    floor_s = part.floor_s(peaks)
    return [
        (rival.label, 1 / middle(results).rate / floor_s)
        for rival in RIVALS
        if (results := part.kept.results(rival))
    ]


def _profile(part: Part) -> str:
    took = part.profile
    layers = sorted(took.layers.items(), key=lambda item: -item[1])
    told = [*layers[:_MOST_KINDS], ("all other kinds", sum(seconds for _, seconds in layers[_MOST_KINDS:]))]
    rows = [(f"model: {name}", *_share(seconds, took.wall_s)) for name, seconds in told]
    counted = sum(took.layers.values())
    rows += [
        ("model: between layers", *_share(took.infer_s - counted, took.wall_s)),
        ("the scheduler and the slots", *_share(took.step_s - took.infer_s, took.wall_s)),
        ("between steps", *_share(took.wall_s - took.step_s, took.wall_s)),
    ]
    files = sorted(took.files.items(), key=lambda item: -item[1])[:_MOST_KINDS]
    python = ", ".join(f"{name} {seconds / sum(took.files.values()):.0%}" for name, seconds in files)
    return f"""Where attune's time goes over {took.chats} chats, by the engine's own count and OpenVINO's
counters, which cost a little themselves: {took.wall_s:.1f} s for {took.tokens:,} tokens fed, and
{took.cached:.0%} of the prompts' tokens found in the cache.

{report.table(("", "s", "share"), rows)}

Of the Python in the engine's thread, outside the model, by file: {python}."""


def _share(seconds: float, wall_s: float) -> tuple[str, str]:
    return f"{seconds:.2f}", f"{seconds / wall_s:.1%}"
