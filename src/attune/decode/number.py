"""Numbers, decoded a piece at a time."""

from __future__ import annotations

from attune.request import Number


def can_be_number(text: str, slot: Number) -> bool:
    """Whether `text` is a beginning of, or the whole of, " N" and the end character for an N in range."""
    if not text.startswith(" "):
        return False
    ended = text.endswith(slot.end)
    digits = text[1:].removesuffix(slot.end)
    low, high = (-slot.high, -slot.low) if digits.startswith("-") else (slot.low, slot.high)
    negative, digits = digits.startswith("-"), digits.removeprefix("-")
    low = max(low, 1 if negative else 0)
    if not digits:
        return not ended and (low <= high or (not negative and slot.low < 0))
    if not digits.isdecimal() or (digits[0] == "0" and (len(digits) > 1 or negative)):
        return False
    value = int(digits)
    if ended or value == 0:
        return low <= value <= high
    longer = range(max(0, len(str(max(high, 0))) - len(digits)) + 1)
    return any(value * 10**more <= high and low < (value + 1) * 10**more for more in longer)
