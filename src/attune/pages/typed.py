"""The editor of an item: what a person typed, beside what the model wrote."""

from __future__ import annotations

from dataclasses import dataclass

from attune.desk.difference import Change, edit_distance, units, word_diff
from attune.desk.ruling import plain
from attune.pages import words


@dataclass(frozen=True, slots=True)
class Typed:
    """`text` is in the editor, `draft` is what the model wrote last, by `instruction` if there was one."""

    text: str
    draft: str
    instruction: str = ""
    version: int = 0
    """Of the text as it is kept."""
    elsewhere: str | None = None
    """Another window's text, where that was saved since."""

    @property
    def changed(self) -> int:
        """How many words, in scripts without spaces characters, are not the draft's."""
        return edit_distance(units(plain(self.draft)), units(plain(self.text)))

    @property
    def edited(self) -> bool:
        return plain(self.text) != plain(self.draft)

    @property
    def diff(self) -> list[Change]:
        """How the text came of the draft; empty where nothing was changed, or all is new."""
        return word_diff(plain(self.draft), plain(self.text)) if self.edited and self.draft else []

    @property
    def told(self) -> str:
        """The changes as a sum."""
        whole = len(units(plain(self.draft)))
        if not self.changed:
            return "only spaces or line ends"
        return f"{self.changed:,} of {words.several(whole, 'word')}"
