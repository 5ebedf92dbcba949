"""Shares of runs along the number of reviews, as SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 360, 60, 210, 44, 56
_LINE = 18
_COLOURS = ("#1a7f64", "#57a88f", "#9bcbbb", "#24292f", "#b35900")


def steps(title: str, across: str, most: int, curves: Mapping[str, Sequence[float]]) -> str:
    """For each of `curves`, which holds when each run ended, the share that had ended up to then.

    The curve that ends highest comes first.
    """

    def x(value: float) -> float:
        return _LEFT + value / most * (_WIDTH - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        '<g font-family="system-ui, sans-serif" font-size="14" fill="#24292f">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="12" y="26" font-size="16" font-weight="600">{escape(title)}</text>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawn.append(f'<path d="M{_LEFT} {y(share):.1f}H{_WIDTH - _RIGHT}" stroke="#d0d7de"/>')
        drawn.append(f'<text x="{_LEFT - 8}" y="{y(share) + 5:.1f}" text-anchor="end">{share:.0%}</text>')
    drawn += [
        f'<text x="{x(value):.1f}" y="{y(0) + 20:.1f}" text-anchor="middle">{value:,}</text>'
        for value in range(0, most + 1, most // 4)
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    drawn.append(f'<text x="{middle}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>')
    below = 0.0
    for colour, (label, ended) in zip(_COLOURS, curves.items(), strict=True):
        there = sorted(each for each in ended if each <= most)
        path = "".join(f"H{x(each):.1f}V{y((n + 1) / len(ended)):.1f}" for n, each in enumerate(there))
        below = max(y(len(there) / len(ended)), below + _LINE)
        line = f"M{_LEFT} {y(0):.1f}{path}H{x(most):.1f}"
        drawn.append(f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        drawn.append(
            f'<text x="{x(most) + 10:.1f}" y="{below + 5:.1f}" fill="{colour}">{escape(label)}</text>'
        )
    return "\n".join([*drawn, "</g>", "</svg>"]) + "\n"
