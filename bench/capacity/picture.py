"""Lines over a logarithmic axis of seconds, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 340, 70, 150, 44, 56
_COLOURS = ("#1a7f64", "#b35900", "#57606a", "#8250df")
Points = Sequence[tuple[float, float]]


def lines(title: str, across: str, curves: Mapping[str, Points]) -> str:
    """One line for each of `curves`: a share of 1 to the right, seconds upwards in powers of ten."""
    points = [point for curve in curves.values() for point in curve]
    low = math.floor(math.log10(min(value for _, value in points)))
    high = math.ceil(math.log10(max(value for _, value in points)))
    left = min(share for share, _ in points)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across_share = (point[0] - left) / (1 - left)
        up_share = (math.log10(point[1]) - low) / (high - low)
        return (
            _LEFT + across_share * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - up_share * (_HEIGHT - _TOP - _BOTTOM),
        )

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        '<g font-family="system-ui, sans-serif" font-size="14" fill="#24292f">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="12" y="26" font-size="16" font-weight="600">{escape(title)}</text>',
    ]
    for power in range(low, high + 1):
        x, y = at((left, 10.0**power))
        drawn.append(f'<path d="M{x:.1f} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#d0d7de"/>')
        drawn.append(f'<text x="{x - 8:.1f}" y="{y + 5:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    for share in sorted({share for share, _ in points}):
        x, y = at((share, 10.0**low))
        drawn.append(f'<text x="{x:.1f}" y="{y + 20:.1f}" text-anchor="middle">{share:.0%}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    drawn.append(f'<text x="{middle}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>')
    for colour, (label, curve) in zip(_COLOURS, curves.items(), strict=False):
        path = " L".join(f"{x:.1f} {y:.1f}" for x, y in map(at, curve))
        x, y = at(curve[-1])
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in map(at, curve)]
        drawn.append(f'<text x="{x + 10:.1f}" y="{y + 5:.1f}" fill="{colour}">{escape(label)}</text>')
    return "\n".join([*drawn, "</g>", "</svg>"]) + "\n"
