"""The curve: a run's log drawn as an SVG picture, loss over tokens."""

from __future__ import annotations

import json
from pathlib import Path

_WIDTH, _HEIGHT, _EDGE = 760, 400, 56
_POINTS = 300


def draw(folder: Path) -> Path:
    """Writes curve.svg beside the log.jsonl of `folder`: means of the training loss, and the held-out one."""
    lines = map(json.loads, (folder / "log.jsonl").read_text(encoding="utf-8").splitlines())
    trained: list[tuple[float, float]] = []
    held: list[tuple[float, float]] = []
    for record in lines:
        if "loss" in record:
            trained.append((record["tokens"], record["loss"]))
        elif trained:
            held.append((trained[-1][0], record["held_out"]))
    path = folder / "curve.svg"
    path.write_text(svg(_means(trained), held), encoding="utf-8")
    return path


def svg(trained: list[tuple[float, float]], held: list[tuple[float, float]]) -> str:
    most = max((tokens for tokens, _ in trained), default=1)
    low = min((loss for _, loss in trained + held), default=0)
    # The first steps fall from ten to five and would hide all else.
    high = max((loss for tokens, loss in trained if tokens > 0.05 * most), default=1)
    high = max(high, low + 0.1)

    def at(point: tuple[float, float]) -> str:
        x = _EDGE + point[0] / most * (_WIDTH - 2 * _EDGE)
        y = _EDGE + (high - min(point[1], high)) / (high - low) * (_HEIGHT - 2 * _EDGE)
        return f"{x:.1f},{y:.1f}"

    def line(points: list[tuple[float, float]], colour: str) -> str:
        drawn = " ".join(map(at, points))
        return f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.5"/>'

    def text(x: float, y: float, words: str, colour: str = "#444") -> str:
        return f'<text x="{x}" y="{y}" fill="{colour}" font-family="sans-serif" font-size="13">{words}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        line(trained, "#1f6fb2"),
        line(held, "#c0392b"),
        text(8, _EDGE, f"{high:.2f}"),
        text(8, _HEIGHT - _EDGE, f"{low:.2f}"),
        text(_WIDTH - _EDGE - 90, _HEIGHT - 20, f"{most / 1e6:.1f} M tokens"),
        text(_EDGE, 24, "training loss", "#1f6fb2"),
        text(_EDGE + 110, 24, "held-out loss", "#c0392b") if held else "",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _means(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most so many points, each the mean of its neighbours."""
    size = max(1, len(points) // _POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(group[-1][0], sum(loss for _, loss in group) / len(group)) for group in groups]
