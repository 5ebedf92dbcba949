"""A small bar chart as SVG text."""

from __future__ import annotations

from html import escape

_LABEL, _BAR, _ROW, _WIDTH = 266, 410, 30, 760


def bars(title: str, unit: str, rows: list[tuple[str, float]]) -> str:
    """One horizontal bar for each row, as long as its number, the first row in another colour."""
    most = max(value for _, value in rows)
    height = 50 + _ROW * len(rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        '<g font-family="system-ui, sans-serif" font-size="14" fill="#24292f">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="26" font-size="16" font-weight="600">{escape(title)}</text>',
    ]
    for index, (label, value) in enumerate(rows):
        top = 42 + _ROW * index
        length = max(1.0, _BAR * value / most)
        colour = "#1a7f64" if index == 0 else "#9aa4af"
        lines.append(f'<text x="{_LABEL - 10}" y="{top + 16}" text-anchor="end">{escape(label)}</text>')
        lines.append(
            f'<rect x="{_LABEL}" y="{top + 2}" width="{length:.1f}" height="20" rx="3" fill="{colour}"/>'
        )
        lines.append(f'<text x="{_LABEL + length + 8:.1f}" y="{top + 17}">{value:.3g} {escape(unit)}</text>')
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"
