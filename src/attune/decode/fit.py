"""A chat that is longer than the model's context: lines are left out of its middle."""

from __future__ import annotations

from collections.abc import Callable

_CHARS_PER_TOKEN = 16
"""More than text ever has on average, so cutting to it first loses nothing and bounds the work."""
GAP = "…"
_LEAST_CHARS = 20
"""With less than this two ends of two lines would say nothing."""


def fit(encode: Callable[[str], list[int]], lines: tuple[str, ...], room: int) -> tuple[list[int], int]:
    """The tokens of `lines`, at most `room`, and how many lines were left out or cut.

    `encode` makes the whole prompt's tokens from the chat's text. The first lines and the last stay,
    since a chat's reason stands at its beginning and its outcome at its end.
    """
    chars = min(_length(lines), _CHARS_PER_TOKEN * room)
    while True:
        kept, dropped = shorten(lines, chars)
        ids = encode("\n".join(kept))
        if len(ids) <= room or not kept:
            return ids, dropped
        chars = min(chars - 1, int(0.97 * _length(kept) * room / len(ids)))


def shorten(lines: tuple[str, ...], chars: int) -> tuple[list[str], int]:
    """Lines from both ends of `lines`, of at most `chars` characters in all, a gap between them, and
    how many were left out or cut. A first or last line longer than half is cut in its own middle."""
    if _length(lines) <= chars:
        return list(lines), 0
    room = chars - len(GAP) - 1
    if room < _LEAST_CHARS:
        return [], len(lines)
    if len(lines) == 1:
        return [_cut(lines[0], room)], 1
    first, last = _ends(lines[0], lines[-1], room)
    room -= len(first) + len(last) + 2
    front, back = [first], [last]
    low, high = 1, len(lines) - 2
    while low <= high:
        from_back = len(back) <= len(front)
        line = lines[high] if from_back else lines[low]
        if len(line) + 1 > room:
            break
        room -= len(line) + 1
        (back if from_back else front).append(line)
        low, high = (low, high - 1) if from_back else (low + 1, high)
    left_out = high - low + 1
    cut = (first != lines[0]) + (last != lines[-1])
    return [*front, *([GAP] if left_out else []), *reversed(back)], left_out + cut


def _ends(first: str, last: str, room: int) -> tuple[str, str]:
    half = room // 2
    if len(first) + len(last) + 2 <= room:
        return first, last
    if len(last) <= half:
        return _cut(first, room - len(last) - 2), last
    if len(first) <= half:
        return first, _cut(last, room - len(first) - 2)
    return _cut(first, half - 1), _cut(last, half - 1)


def _cut(line: str, chars: int) -> str:
    """`line` without its middle, at most `chars` characters."""
    if len(line) <= chars:
        return line
    side = max(0, (chars - len(GAP)) // 2)
    return line[:side] + GAP + line[len(line) - side :]


def _length(lines: tuple[str, ...] | list[str]) -> int:
    return sum(map(len, lines)) + len(lines)
