"""The beginning of an answer to a schema, told as soon as its choices are known."""

from __future__ import annotations

from collections.abc import Callable

from attune.request import Choice, Fixed, Slot, literal


class Beginning:
    """What stands of the answer of `slots` goes to `tell`, in pieces, up to the first value not known."""

    def __init__(self, slots: tuple[Slot, ...], tell: Callable[[str], None]) -> None:
        self._slots, self._tell = slots, tell
        self._values: dict[str, str] = {}
        self._told = 0

    def known(self, name: str, value: str) -> None:
        self._values[name] = value
        stands = self._stands()
        if len(stands) > self._told:
            piece, self._told = stands[self._told :], len(stands)
            self._tell(piece)

    def _stands(self) -> str:
        text = ""
        for slot in self._slots:
            match slot:
                case Fixed():
                    text += slot.text
                case Choice(name=name) if name in self._values:
                    value = self._values[name]
                    text += next(option for option in slot.options if literal(option) == value)
                case _:
                    break
        return text
