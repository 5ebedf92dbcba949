"""The roofline as SVG text: the most that a machine can do by operations for each byte, on log scales."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log10

from bench.roofline.peaks import Peaks

_LEFT, _TOP, _WIDE, _HIGH = 70, 50, 600, 300
_FROM, _TO = (0.5, 1e9), (4096.0, 1e13)
"""The corners: operations for each byte, and operations a second."""
_COLOURS = ("#1a7f64", "#b35900")


def roofs(title: str, peaks: Peaks, phases: Sequence[tuple[str, float, float]]) -> str:
    """`phases` are (name, operations for each byte, operations a second): points, two of each model."""
    width = _LEFT + _WIDE + 90
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_TOP + _HIGH + 50}" role="img">',
        '<g font-family="system-ui, sans-serif" font-size="12" fill="#24292f">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="12" y="26" font-size="16" font-weight="600">{escape(title)}</text>',
        *_axes(),
    ]
    for name, peak in peaks.operations.items():
        bend = min(max(peak / peaks.bytes, _FROM[0]), _TO[0])
        points = [(_FROM[0], _FROM[0] * peaks.bytes), (bend, bend * peaks.bytes), (_TO[0], peak)]
        drawn = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
        lines.append(f'<polyline points="{drawn}" fill="none" stroke="#57606a" stroke-width="1.5"/>')
        lines.append(f'<text x="{_LEFT + _WIDE + 6}" y="{_y(peak) + 4:.1f}">{escape(name)}</text>')
    for number, (name, intensity, speed) in enumerate(phases):
        x, y, colour = _x(intensity), _y(speed), _COLOURS[number // 2 % 2]
        below, side = (20, "start") if number // 2 % 2 else (-10, "end")
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        placed = f'x="{x:.1f}" y="{y + below:.1f}" text-anchor="{side}" fill="{colour}"'
        lines.append(f"<text {placed}>{escape(name)}</text>")
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _axes() -> list[str]:
    bottom, middle = _TOP + _HIGH, _LEFT + _WIDE / 2
    marks: list[tuple[float, float, str, float]]
    marks = [(_x(value), bottom + 18, "middle", value) for value in (1, 4, 16, 64, 256, 1024)]
    marks += [(_LEFT - 8, _y(value * 1e9) + 4, "end", value) for value in (1, 10, 100, 1000, 10000)]
    return [
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{_LEFT + _WIDE}" fill="none" stroke="#24292f"/>',
        f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">operations for each byte</text>',
        f'<text x="{_LEFT - 8}" y="{_TOP - 8}" text-anchor="end">GOP/s</text>',
        *(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{side}">{told}</text>' for x, y, side, told in marks),
    ]


def _x(value: float) -> float:
    return _LEFT + _WIDE * (log10(value) - log10(_FROM[0])) / (log10(_TO[0]) - log10(_FROM[0]))


def _y(value: float) -> float:
    return _TOP + _HIGH * (1 - (log10(value) - log10(_FROM[1])) / (log10(_TO[1]) - log10(_FROM[1])))
